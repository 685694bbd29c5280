import { describe, expect, it } from "vitest";
import { isRunId, parseKey, partKeys } from "../../../../ops/backup/keys";

const run = "20260131T020000Z-1f2e3d4c";
const sum = "a".repeat(64);

describe("a key", () => {
  it.each([
    [`daily/mariadb/mo_crm/${run}.sql.zst.age`, { kind: "dump", host: "mariadb", database: "mo_crm", run }],
    [
      `daily/postgres/_accounts/${run}.sql.zst.age`,
      { kind: "dump", host: "postgres", database: "_accounts", run },
    ],
    [
      `daily/postgres/mo_idp/${run}.pgdump.zst.age.00012`,
      { kind: "dump", host: "postgres", database: "mo_idp", run, part: 12 },
    ],
    [
      "daily/plesk/mo_main/20260131T020000Z.sql.zst.age",
      { kind: "dump", host: "plesk", database: "mo_main", run: "20260131T020000Z" },
    ],
    [`daily/plesk/manifests/${run}.json`, { kind: "manifest", host: "plesk", run }],
    [
      `archive/mariadb/mo_consent/${run}.${sum}.sql.zst.age`,
      { kind: "archive", host: "mariadb", database: "mo_consent", run, sha256: sum },
    ],
    [
      `archive-index/mariadb/mo_consent/202601.${sum}.json`,
      { kind: "archive-index", host: "mariadb", database: "mo_consent", month: "202601", sha256: sum },
    ],
    [
      `recovery/postgres/base/7512345678901234567/${run}.json`,
      { kind: "base", host: "postgres", epoch: "7512345678901234567", run },
    ],
    [
      `recovery/mariadb/base/20260101T000000Z/${run}.mbstream.zst.age.00000`,
      { kind: "base-part", host: "mariadb", epoch: "20260101T000000Z", run, part: 0 },
    ],
    [
      `recovery/mariadb/log/20260101T000000Z/binlog.000012.${sum}.zst.age`,
      { kind: "log", host: "mariadb", epoch: "20260101T000000Z", name: "binlog.000012", sha256: sum },
    ],
    ...[
      "00000001000000000000000A",
      "00000001000000000000000A.partial",
      "00000001000000000000000A.00000028.backup",
      "00000002.history",
    ].map(
      (name) =>
        [
          `recovery/postgres/log/7512345678901234567/${name}.${sum}.zst.age`,
          { kind: "log", host: "postgres", epoch: "7512345678901234567", name, sha256: sum },
        ] as const,
    ),
    [`queue/redis/svc_n8n/${run}.rdb.zst.age`, { kind: "dump", host: "redis", database: "svc_n8n", run }],
    [`queue/redis/manifests/${run}.json`, { kind: "manifest", host: "redis", run }],
    [`status/mariadb/log/${run}.json`, { kind: "log-status", host: "mariadb", run }],
  ] as const)("%s is known", (key, parsed) => {
    expect(parseKey(key)).toEqual(parsed);
  });

  it.each([
    "",
    `daily/mariadb/mo_crm/${run}.sql.zst.age\n`,
    `\ndaily/mariadb/mo_crm/${run}.sql.zst.age`,
    `daily/mariadb/../mo_crm/${run}.sql.zst.age`,
    `daily/mariadb//${run}.sql.zst.age`,
    `daily/redis/mo_crm/${run}.sql.zst.age`,
    `daily/redis/manifests/${run}.json`,
    `queue/mariadb/mo_crm/${run}.sql.zst.age`,
    `queue/mariadb/manifests/${run}.json`,
    `daily/mariadb/mo_crm/${run}.sql.zst.age.0001`,
    `daily/mariadb/mo_crm/$(id).sql.zst.age`,
    `daily/mariadb/Mo_crm/${run}.sql.zst.age`,
    `daily/mariadb/mo_crm/${run}.exe.zst.age`,
    `daily/mariadb/manifests/${run}.json.json`,
    `daily/mariadb/manifests/latest.json`,
    `archive/mariadb/mo_crm/${run}.sql.zst.age`,
    `archive-index/mariadb/mo_crm/2026-01.${sum}.json`,
    `recovery/mariadb/log/20260101T000000Z/binlog.000012.zst.age`,
    `recovery/mariadb/log/20260101T000000Z/binlog.000012;reboot.${sum}.zst.age`,
    `recovery/mariadb/log/20260101T000000Z/$(reboot).${sum}.zst.age`,
    `recovery/mariadb/log/20260101T000000Z/..%2f.${sum}.zst.age`,
    `recovery/mariadb/log/x/binlog.000012.${sum}.zst.age`,
    `recovery/mariadb/base/20260101T000000Z/${run}.tar.zst.age`,
    `status/mariadb/log.json`,
  ])("%j is none", (key) => {
    expect(parseKey(key)).toBeUndefined();
  });
});

describe("a run", () => {
  it("has a time and a random part; those of before had none", () => {
    expect([run, "20260131T020000Z"].every(isRunId)).toBe(true);
    expect(["20260131", `${run}0`, "20260131T020000Z-1F2E3D4C", "x20260131T020000Z"].some(isRunId)).toBe(
      false,
    );
  });
});

describe("an object's parts", () => {
  it("are itself, or numbered", () => {
    expect(partKeys({ key: "k" })).toEqual(["k"]);
    expect(partKeys({ key: "k", parts: 2 })).toEqual(["k.00000", "k.00001"]);
  });
});
