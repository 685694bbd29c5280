import { describe, expect, it } from "vitest";
import { firstVersions, type ListedVersion } from "../../../../ops/backup/versions";

const retention = {
  localDays: 30,
  dailyDays: 90,
  queueDays: 30,
  recoveryDays: 30,
  noncurrentDays: 14,
  lockDays: 30,
  erasureDays: 180,
};
const key = "daily/mariadb/mo_crm/20260131T020000Z-1f2e3d4c.sql.zst.age";
const at = (day: number, ms = 0) => new Date(Date.UTC(2026, 0, 31, 2, 0, 0, ms) + day * 86_400_000);
const version = (versionId: string, modified: Date, more: Partial<ListedVersion> = {}): ListedVersion => ({
  key,
  versionId,
  modified,
  bytes: 10,
  cold: false,
  ...more,
});
const marker = (versionId: string, modified: Date) => version(versionId, modified, { bytes: undefined });
/** As S3 lists them: versions before marks, each from the newest. */
const read = (...listed: ListedVersion[]) => {
  const { objects, findings } = firstVersions(listed, retention);
  return {
    objects: objects.map(({ versionId }) => versionId),
    findings: findings.map(({ kind, reason }) => `${kind}: ${reason}`),
  };
};

describe("of a key", () => {
  it("the only version is read", () => {
    expect(read(version("a", at(0)))).toEqual({ objects: ["a"], findings: [] });
  });

  it("the first version is read, and later ones are told", () => {
    expect(read(version("c", at(2)), version("b", at(1)), version("a", at(0)))).toEqual({
      objects: ["a"],
      findings: [
        "overwritten: written at 2026-01-31T02:00:00Z, and again at 2026-02-01T02:00:00Z and 1 times more; the first version is what is read",
      ],
    });
  });

  it("of one moment the bucket's own order tells which was first", () => {
    expect(read(version("b", at(0)), version("a", at(0))).objects).toEqual(["a"]);
  });

  it("a deletion before its time is told, and does not hide it", () => {
    expect(read(version("a", at(0)), marker("m", at(3)))).toEqual({
      objects: ["a"],
      findings: [
        "deleted: deleted at 2026-02-03T02:00:00Z, before its time; its first version is still read",
      ],
    });
  });

  it("what was deleted and written again is both", () => {
    const { objects, findings } = read(version("b", at(2)), version("a", at(0)), marker("m", at(1)));
    expect(objects).toEqual(["a"]);
    expect(findings.map((each) => each.split(":")[0])).toEqual(["overwritten", "deleted"]);
  });

  it("what its retention has ended is gone without a word", () => {
    expect(read(version("a", at(0)), marker("m", at(90, 1)))).toEqual({ objects: [], findings: [] });
    expect(read(marker("m", at(90)))).toEqual({ objects: [], findings: [] });
  });

  it("a name that no agent writes is told and not read", () => {
    const { objects, findings } = firstVersions(
      [{ ...version("a", at(0)), key: "recovery/mariadb/log/20260101T000000Z/$(reboot).zst.age" }],
      retention,
    );
    expect(objects).toEqual([]);
    expect(findings[0]).toMatchObject({ kind: "foreign" });
  });
});

describe("an object that no agent writes so", () => {
  const run = (second: number) => `20260131T0200${String(second).padStart(2, "0")}Z-1f2e3d4c`;
  const manifest = (bytes: number, second = 0, host = "mariadb") =>
    version("a", at(0, second * 1000), { key: `daily/${host}/manifests/${run(second)}.json`, bytes });
  const reasons = (listed: ListedVersion[]) => {
    const { objects, findings } = firstVersions(listed, retention);
    return { read: objects.length, findings: findings.map(({ kind, reason }) => `${kind}: ${reason}`) };
  };

  it("for its place in the cold tier is told and not read, and an archive is", () => {
    const archive = `archive/mariadb/mo_crm/${run(0)}.${"a".repeat(64)}.sql.zst.age`;
    expect(read(version("a", at(0), { cold: true }))).toEqual({
      objects: [],
      findings: ["forged: it lies in the cold tier, where no agent writes it; it is not read"],
    });
    expect(read(version("a", at(0), { cold: true, key: archive })).objects).toEqual(["a"]);
  });

  it("for its size is told and not read, and a dump of that size is", () => {
    expect(reasons([manifest(300e6)])).toEqual({
      read: 0,
      findings: ["forged: it has 300000000 bytes, as no manifest of mariadb has; it is not read"],
    });
    expect(read(version("a", at(0), { bytes: 300e6 })).objects).toEqual(["a"]);
  });

  it("for there being more than memory takes is told, the later ones first; another host's are read", () => {
    const many = Array.from({ length: 30 }, (_, second) => manifest(8e6, second));
    const { read: objects, findings } = reasons([...many, manifest(8e6, 59, "postgres")]);
    expect(objects).toBe(16 + 1);
    expect(findings).toHaveLength(14);
    expect(findings[0]).toBe(
      "forged: there is more of every manifest of mariadb than it writes; it is not read",
    );
    expect(firstVersions(many, retention).objects[0]?.key).toBe(many[0]?.key);
  });
});
