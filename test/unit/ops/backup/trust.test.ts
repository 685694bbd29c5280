import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../../ops/backup/manifest";
import { dumpFault, manifestFault, timeFault } from "../../../../ops/backup/trust";
import type { StoredObject } from "../../../../ops/backup/versions";

const run = "20260131T020000Z-1f2e3d4c";
const key = `daily/mariadb/mo_crm/${run}.sql.zst.age`;
const finished = "2026-01-31T02:10:00Z";
const minutes = (after: number) => new Date(Date.parse(finished) + after * 60_000);
const manifest = (changes: Partial<Manifest> = {}): Manifest => ({
  run,
  host: "mariadb",
  engine: "mariadb",
  tag: "daily",
  ok: true,
  finished,
  durationMs: 1,
  versions: {},
  failed: [],
  objects: [{ database: "mo_crm", key, sha256: "a".repeat(64), bytes: 10, rows: {}, durationMs: 1 }],
  ...changes,
});
const stored = (modified = minutes(0)) => ({
  parsed: { kind: "manifest", host: "mariadb", run } as const,
  modified,
});
const naming = (named: string, database = "mo_crm") =>
  manifest({ objects: manifest().objects.map((object) => ({ ...object, key: named, database })) });

describe("a manifest", () => {
  it("of its own run, host and databases is believed", () => {
    expect(manifestFault(manifest(), stored())).toBeUndefined();
  });

  it.each([
    ["another run", manifest({ run: "20260130T020000Z-1f2e3d4c" })],
    ["another host", manifest({ host: "plesk" })],
    ["another engine", manifest({ engine: "postgres" })],
    ["another host's dump", naming(key.replace("mariadb", "plesk"))],
    ["another run's dump", naming(key.replace("31T", "30T"))],
    ["another database's dump", naming(key, "mo_games")],
    ["a manifest as a dump", naming(`daily/mariadb/manifests/${run}.json`)],
    ["a part as a dump", naming(`${key}.00000`)],
    ["a path", naming("../../etc/passwd")],
    ["a database twice", manifest({ objects: [...manifest().objects, ...manifest().objects] })],
  ])("of %s is not", (_, changed) => {
    expect(manifestFault(changed, stored())).toBeDefined();
  });
});

describe("times", () => {
  it("of a run, its end and its arrival go together", () => {
    expect(timeFault(run, finished, minutes(1))).toBeUndefined();
    expect(timeFault(run, finished, minutes(90))).toBeUndefined();
    expect(timeFault(run, finished, minutes(-10))).toBeUndefined();
  });

  it("of what came much later, or before it ended, do not", () => {
    expect(timeFault(run, finished, minutes(60 * 24))).toMatch(/the bucket got it at 2026-02-01T02:10:00Z/);
    expect(timeFault(run, finished, minutes(-60))).toBeDefined();
  });

  it("of an end long after its name, or before it, do not", () => {
    expect(timeFault(run, "2026-02-02T02:00:00Z", new Date("2026-02-02T02:00:00Z"))).toBeDefined();
    expect(timeFault(run, "2026-01-30T02:00:00Z", new Date("2026-01-30T02:00:00Z"))).toBeDefined();
  });
});

describe("a dump", () => {
  const there = (modified: Date, bytes = 10, name = key): StoredObject => ({
    key: name,
    versionId: "a",
    modified,
    bytes,
    cold: false,
    parsed: { kind: "dump", host: "mariadb", database: "mo_crm", run },
  });
  const backup = { key, bytes: 10, run, stored: minutes(0) };

  it("that came while its run was at work is what its manifest says", () => {
    expect(dumpFault(backup, [there(minutes(-5))])).toBeUndefined();
    const parts = [there(minutes(-5), 6, `${key}.00000`), there(minutes(-4), 4, `${key}.00001`)];
    expect(dumpFault({ ...backup, parts: 2 }, parts)).toBeUndefined();
    expect(dumpFault({ ...backup, parts: 2 }, [parts[0], undefined])).toBe(
      `the bucket does not hold ${key}.00001`,
    );
  });

  it("that came at another time, or has another size, is not", () => {
    expect(dumpFault(backup, [there(minutes(60))])).toMatch(/not when run .* was at work/);
    expect(dumpFault(backup, [there(minutes(-60))])).toMatch(/not when run .* was at work/);
    expect(dumpFault(backup, [there(minutes(-5), 9)])).toBe(`${key} has 9 bytes; its manifest says 10`);
  });
});
