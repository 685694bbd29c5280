import { describe, expect, it } from "vitest";
import { logGaps, type PhysicalCopy, planPoint } from "../../../../ops/restore/point";

const at = (time: string) => new Date(`2026-01-31T${time}:00Z`);
const copy = (epoch: string, begun: string, whole: string): PhysicalCopy => ({
  epoch,
  run: `20260131T${begun.replace(":", "")}00Z-00000000`,
  whole: at(whole),
  parts: [],
});
const log = (epoch: string, name: string, sent: string) => ({
  epoch,
  name,
  key: `recovery/mariadb/log/${epoch}/${name}.zst.age`,
  sha256: "",
  modified: at(sent),
});

const copies = [copy("1", "01:00", "01:10"), copy("1", "05:00", "05:10"), copy("2", "09:00", "09:05")];
const logs = [
  log("1", "bin.000001", "00:30"),
  log("1", "bin.000002", "02:00"),
  log("1", "bin.000003", "05:05"),
  log("1", "bin.000004", "06:00"),
  log("2", "bin.000001", "09:10"),
];
const plan = (time: string) => planPoint(at(time), copies, logs, "mariadb");
const names = (time: string) => plan(time).logs.map(({ name }) => name);

describe("planPoint", () => {
  it("starts from the newest copy that was whole before, with the logs of its server since", () => {
    expect(plan("05:30").base).toBe(copies[1]);
    expect(names("05:30")).toEqual(["bin.000003", "bin.000004"]);
    expect(plan("05:05").base).toBe(copies[0]);
    expect(names("05:05")).toEqual(["bin.000002", "bin.000003", "bin.000004"]);
    expect(plan("09:07").base).toBe(copies[2]);
    expect(names("09:07")).toEqual(["bin.000001"]);
  });

  it.each([
    ["01:05", "2026-01-31T01:05:00Z is before the first physical copy"],
    ["09:11", "2026-01-31T09:11:00Z is after the last log that was sent"],
    ["07:00", "2026-01-31T07:00:00Z lies after the end of that server's log"],
  ])("at %s cannot be reached: the range is named", (time, reason) => {
    expect(() => plan(time)).toThrow(`${reason}; reachable is 2026-01-31T01:10:00Z to 2026-01-31T09:10:00Z`);
  });

  it("without a copy says what there is instead", () => {
    expect(() => planPoint(at("05:00"), [], logs, "plesk")).toThrow(
      "plesk has no physical copy in the bucket",
    );
  });
});

describe("a log with a gap", () => {
  it("is refused with the files around it: MariaDB would go on, and nobody would see what is missing", () => {
    const torn = logs.filter(({ key }) => !key.includes("/1/bin.000003"));
    expect(() => planPoint(at("03:00"), copies, torn, "mariadb")).toThrow(
      "the log of mariadb has a gap, which no recovery can pass: after bin.000002 comes bin.000004",
    );
  });

  it("is seen by the numbers in the names, in both engines", () => {
    expect(logGaps(["binlog.000009", "binlog.000010", "binlog.000012"])).toEqual([
      "after binlog.000010 comes binlog.000012",
    ]);
    const first = "0000000100000000000000FE";
    expect(logGaps([first, "0000000100000000000000FF", "000000010000000100000000"])).toEqual([]);
    expect(logGaps([first, "000000010000000100000000"])).toEqual([
      `after ${first} comes 000000010000000100000000`,
    ]);
  });

  it("is none between a segment and what lies beside it", () => {
    const beside = ["00000001000000000000000A.00000028.backup", "00000002.history"];
    expect(logGaps(["000000010000000000000009", "00000001000000000000000A", ...beside])).toEqual([]);
  });
});
