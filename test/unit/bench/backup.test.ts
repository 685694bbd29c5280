import { describe, expect, it } from "vitest";
import { exponent, renderBackups, sizesOf } from "../../../bench/backup";
import type { SizeTimes } from "../../../bench/backup/measure";

const MIB = 2 ** 20;

/** `estate` and `bare`: seconds of a backup; a restore takes ten times as long. */
function measured(mebibytes: number, estate: number, bare: number): SizeTimes {
  return {
    engine: "postgres",
    version: "17.6 (Debian)",
    bytes: mebibytes * MIB,
    sealedBytes: (mebibytes * MIB) / 4,
    rows: 1000,
    backup: { estate, bare },
    restore: { estate: estate * 10, bare: bare * 10, parts: { verified: 1, loaded: 3, all: 4 } },
  };
}

describe("sizes", () => {
  it("are three by themselves, up to a gigabyte, and those of the option", () => {
    expect(sizesOf(["--backup"])).toEqual([64, 256, 1024]);
    expect(sizesOf(["--backup", "--sizes", "8,32"])).toEqual([8, 32]);
  });

  it.each([
    ["--sizes"],
    ["--sizes", "8,"],
    ["--sizes", "0"],
    ["--sizes", "1.5"],
    ["--sizes", "--json"],
  ])("%s %s is refused", (...args) => {
    expect(() => sizesOf(args)).toThrow(/^--sizes .*: give mebibytes of dump with commas between/);
  });
});

describe("growth", () => {
  it("is 1 in proportion and less with a fixed cost", () => {
    expect(exponent({ bytes: 10, seconds: 2 }, { bytes: 100, seconds: 20 })).toBeCloseTo(1);
    expect(exponent({ bytes: 10, seconds: 2 }, { bytes: 1000, seconds: 20 })).toBeCloseTo(0.5);
  });

  it("compares the smallest with the largest size", () => {
    const text = renderBackups([measured(10, 1, 1), measured(40, 3, 3), measured(100, 5, 4)]);
    expect(text).toContain("time grows for a backup as size^0.70 (bare: ^0.60)");
    expect(text).toContain("0.50 times as long for a MiB at 100 MiB as at 10 MiB");
  });
});

describe("verdict", () => {
  it("names what is over the budget and nothing else", () => {
    const text = renderBackups([measured(10, 1.3, 1), measured(100, 5, 5)]);
    expect(text).toContain("Over the budget (backup 1.2, restore 1.5): backup of postgres 10 MiB 1.30.");
  });

  it("is said where all is within it", () => {
    expect(renderBackups([measured(10, 1.2, 1)])).toContain(
      "All within the budget (backup 1.2, restore 1.5).",
    );
  });
});
