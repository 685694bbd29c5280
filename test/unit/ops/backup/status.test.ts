import { expect, it } from "vitest";
import { parseManifest, type StoredManifest } from "../../../../ops/backup/manifest";
import { backupStatus } from "../../../../ops/backup/status";

const now = new Date("2026-01-31T12:00:00Z");

function stored(day: string, proven?: string): StoredManifest {
  const run = `202601${day}T020000Z-1f2e3d4c`;
  const at = `2026-01-${day}T02:10:00Z`;
  return {
    run,
    host: "mariadb",
    engine: "mariadb",
    tag: "daily",
    ok: true,
    finished: at,
    durationMs: 1,
    versions: {},
    failed: [],
    objects: [
      {
        database: "mo_crm",
        key: `daily/mariadb/mo_crm/${run}.sql.zst.age`,
        sha256: "a".repeat(64),
        bytes: 1,
        rows: {},
        durationMs: 1,
        ...(proven && { proof: { ok: true, at: proven } }),
      },
    ],
    stored: new Date(at),
  };
}

const statusOf = (...manifests: StoredManifest[]) =>
  backupStatus({ database: "mo_crm", host: "mariadb", proves: true }, manifests, async () => undefined, now);

it("a proof is no younger than the day on which the bucket heard of it", async () => {
  expect(await statusOf(stored("31"), stored("22", "2026-01-22T02:05:00Z"))).toMatchObject({
    state: "unproven",
  });
  expect(await statusOf(stored("31"), stored("22", "2099-01-01T00:00:00Z"))).toMatchObject({
    state: "unproven",
  });
  expect(await statusOf(stored("31"), stored("30", "2099-01-01T00:00:00Z"))).toMatchObject({ state: "good" });
});

it("a manifest whose run has no name of one is none, and nothing that a host says in words moves a terminal", () => {
  const { stored: _, ...manifest } = stored("31");
  const tag = "\u001b[2J\u202eyliad\n\u2028";
  expect(parseManifest(JSON.stringify({ ...manifest, tag }), "it").tag).toBe("?[2J?yliad??");
  expect(() => parseManifest(JSON.stringify({ ...manifest, run: "\u001b[2J" }), "it")).toThrow(
    /no name of a run/,
  );
});

it("a queue's backup is old after three hours, a database's after a day and two", async () => {
  const ended = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
  const of = (host: "mariadb" | "redis", hours: number) => {
    const manifest = { ...stored("31"), host, finished: ended(hours).toISOString(), stored: ended(hours) };
    const wanted = { database: "mo_crm", host, proves: false };
    return backupStatus(wanted, [manifest], async () => undefined, now);
  };
  expect((await of("redis", 2)).state).toBe("good");
  expect(await of("redis", 4)).toMatchObject({
    state: "old",
    reason: "the newest is 4 h old, more than 3 h",
  });
  expect((await of("mariadb", 25)).state).toBe("good");
  expect((await of("mariadb", 27)).state).toBe("old");
});
