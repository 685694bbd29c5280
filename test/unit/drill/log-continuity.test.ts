import { describe, expect, it } from "vitest";
import { gapsFrom } from "../../drill/prove/log-continuity";

const binlog = (...numbers: number[]) => numbers.map((n) => `binlog.${String(n).padStart(6, "0")}.zst.age`);
const wal = (...names: string[]) => names.map((name) => `00000001${name}.zst.age`);

describe("a server's log in the bucket", () => {
  it("is whole where each file follows the one before, in whatever order they are listed", () => {
    expect(gapsFrom(binlog(3, 2, 4), "binlog.000002")).toEqual([]);
    expect(gapsFrom(binlog(9, 10, 11), "binlog.000009")).toEqual([]);
    expect(
      gapsFrom(wal("00000000000000FE", "00000000000000FF", "0000000100000000"), "0000000100000000000000FE"),
    ).toEqual([]);
  });

  it("has a gap where one is missing, which is named", () => {
    expect(gapsFrom(binlog(2, 4), "binlog.000002")).toEqual(["after binlog.000002 comes binlog.000004"]);
    expect(gapsFrom(wal("00000000000000FE", "0000000100000000"), "0000000100000000000000FE")).toEqual([
      "after 0000000100000000000000FE comes 000000010000000100000000",
    ]);
  });

  it("is of no use without its beginning, nor where there is none", () => {
    expect(gapsFrom(binlog(3, 4), "binlog.000002")).toEqual([
      "the first is binlog.000003 and not binlog.000002",
    ]);
    expect(gapsFrom([], "binlog.000002")).toEqual(["there is no file of the log from binlog.000002 on"]);
  });

  it("may begin before, and has other files beside it", () => {
    const more = ["00000001000000000000000A.00000028.backup.zst.age", "00000002.history.zst.age"];
    expect(
      gapsFrom([...wal("0000000000000009", "000000000000000A"), ...more], "00000001000000000000000A"),
    ).toEqual([]);
    expect(gapsFrom(binlog(1, 5, 6), "binlog.000005")).toEqual([]);
  });
});
