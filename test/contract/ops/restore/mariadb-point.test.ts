import { createReadStream } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import { RestoreSteps } from "../../../../ops/restore/host";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { MariadbHost } from "../../../support/local-host-mariadb";
import { everyObject } from "../../../support/mariadb-objects";
import {
  asAdmin,
  asService,
  makeDatabase,
  makeService,
  mariadbEntry,
} from "../../../support/mariadb-service";
import { randomMariadb } from "../../../support/random-mariadb";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { Seeded } from "../../../support/seeded";

const DATABASE = "mo_games";
const SCRATCH = "games_then";
const entry = mariadbEntry(DATABASE);
const AGENT =
  "etc=/srv/backup lib=/usr/local/lib/estate-backup state=/srv/backup work=/srv/backup; mkdir -p $state; source $lib/common.sh; source $lib/mariadb.sh";
const POINT = "/var/lib/estate-point-mo_games";
/** Beyond every log. */
const EVER = "2037-01-01 00:00:00";

/** From a physical copy and the logs since, on a server of its own. */
describe.each(["10.11", "11.8"] as const)("MariaDB %s to a point in time", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: MariadbHost;
  let admin: MariadbConnection;
  let service: MariadbConnection;
  let steps: RestoreSteps;

  const values = async (sql: string) => (await admin.query(sql)).map((row) => Object.values(row).join(" "));
  const now = async (seconds: number) =>
    (
      await values(`SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL ${seconds} SECOND, '%Y-%m-%d %H:%i:%s')`)
    )[0] ?? "";
  const copied = () =>
    host.shell(
      `${AGENT}\nphysical_copy >/srv/backup/copy 2>/srv/backup/copy.log || { tail -n 3 /srv/backup/copy.log >&2; exit 1; }`,
    );
  const closedLogs = async () => (await host.shell(`${AGENT}\nclosed_logs`)).split("\n").filter(Boolean);
  /** Lays the copy and the logs down. */
  const laidDown = async (logs: readonly string[]) => {
    await steps.pointBegin();
    await steps.pointBase(createReadStream(path.join(host.directory, "upper/srv/backup/copy")));
    for (const log of logs)
      await steps.pointLog(path.basename(log), createReadStream(path.join(engine.root, log)));
  };
  /** By the distribution's own dump, as root, of the server with this socket. */
  const picture = async (socket = "") => {
    const dump = await host.shell(
      `mariadb-dump --no-defaults ${socket} ${DATABASE} --routines --triggers --events --dump-history --hex-blob --skip-dump-date --order-by-primary --default-character-set=utf8mb4`,
    );
    // One of them keeps no log, and says so there.
    return dump.split("\n").filter((line) => !line.startsWith("-- Server version"));
  };
  const expectAlike = async () =>
    expect(await picture(`--socket=${POINT}/run/socket`)).toEqual(await picture());

  beforeAll(async () => {
    engine = await startMariadb(version, {
      settings: {
        "log-bin": "binlog",
        "binlog-format": "ROW",
        "log-bin-trust-function-creators": "ON",
        "max-allowed-packet": "64M",
      },
    });
    bench = await restoreBench(DATABASE, { name: "mariadb", kind: "mariadb", engine, version });
    host = bench.host as MariadbHost;
    admin = await asAdmin(engine);
    await makeService(admin, entry);
    steps = new RestoreSteps(
      await host.open("mariadb"),
      entry,
      { scratch: SCRATCH, replaced: "" },
      engine.port,
    );
    await host.shell("mkdir -p /run/mysqld; touch /run/mysqld/live.sock");
  });
  afterAll(async () => {
    steps?.close();
    await service?.close();
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });
  beforeEach(async () => {
    await service?.close();
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
    await makeDatabase(admin, entry);
    service = await asService(engine, entry);
  });

  it("what was there then is there, and nothing of later; the server beside has no power and no way to the live one", async () => {
    await service.query("CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB) ENGINE=InnoDB");
    await service.query("CREATE VIEW v AS SELECT id FROM t");
    await service.query("INSERT INTO t VALUES (1, 'before')");
    await service.query("CREATE TABLE cache (id INT) ENGINE=MEMORY AS SELECT 1 AS id");
    await admin.query("CREATE DATABASE another");
    await admin.query("CREATE TABLE another.t (id INT PRIMARY KEY)");
    await service.query("CREATE TABLE versions (id INT PRIMARY KEY) WITH SYSTEM VERSIONING");
    await service.query("CREATE FUNCTION one() RETURNS INT RETURN 1");
    await service.query("CREATE VIEW w AS SELECT one() AS o");
    await copied();
    // Of a row that the copy does not have.
    await service.query("UPDATE cache SET id = 2");
    // What a session allowed itself, and no log says.
    await service.query("SET innodb_strict_mode = OFF, system_versioning_alter_history = KEEP");
    await service.query(
      "CREATE TABLE loose (id INT PRIMARY KEY) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=3",
    );
    await service.query("ALTER TABLE versions ADD COLUMN more INT");
    // Restores since: rows that were loaded into another database, and views that the service could read while they were made.
    const backup = await bench.backUp("20260106T020000Z");
    expect((await bench.restore({ backup, into: "copy_of_games" })).fault).toBeUndefined();
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    await admin.query("DROP DATABASE copy_of_games");
    await service.close();
    service = await asService(engine, entry);
    // A session may say what time it is; the copy's log would end there.
    await service.query("SET timestamp = 2147480000");
    await service.query("INSERT INTO t VALUES (4, 'from another time')");
    await service.query("SET timestamp = DEFAULT");
    await service.query("INSERT INTO t VALUES (2, REPEAT('y', 20*1024*1024))");
    const whole = path.basename((await closedLogs()).at(-1) ?? "");
    // In the last file another service's session would end it for everybody.
    await admin.query("SET timestamp = 2147480000");
    await admin.query("INSERT INTO another.t VALUES (1)");
    await admin.query("CREATE TABLE another.u (id INT)");
    await admin.query("SET timestamp = DEFAULT");
    await service.query("INSERT INTO t VALUES (6, 'just before')");
    const at = await now(1);
    // What has begun before, and is committed after.
    await service.query("BEGIN");
    await service.query("INSERT INTO t VALUES (5, 'too late')");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await service.query("COMMIT");
    await service.query("INSERT INTO t VALUES (3, 'after')");
    await laidDown(await closedLogs());
    await steps.pointStart(at, true, whole);
    // The first process of its namespace, which is root's, and the server.
    const below = [
      "below() { cat /proc/$1/task/$1/children; }",
      `first=$(echo $(below $(cat ${POINT}/own/server)))`,
    ].join("; ");
    expect(await host.shell(`${below}; grep ^Uid: /proc/$(echo $(below $first))/status`)).toMatch(
      /Uid:\s+971\s+971/,
    );
    expect(
      await host.shell(
        `${below}; test -d /proc/$first/root/run/mysqld; ls -A /proc/$first/root/run/mysqld; test $(readlink /proc/$first/ns/pid) != $(readlink /proc/self/ns/pid)`,
      ),
    ).toBe("");
    expect(await steps.pointCount()).toEqual({ cache: 1, loose: 0, t: 4, versions: 0 });
    expect(await steps.pointNotes()).toEqual(['table "cache" is kept in memory: it comes back empty']);
    await steps.createScratch();
    await steps.pointLoad("--keep");
    // Where estate-restore could have laid a link root has written nothing.
    expect(await host.shell(`cd ${POINT}; find data log run -user root -print; stat -c %U . own`)).toBe(
      "root\nroot\n",
    );
    await steps.pointEnd();
    expect(await steps.countRows()).toEqual({ cache: 1, loose: 0, t: 4, versions: 0 });
    expect(
      await values(
        `SELECT table_name FROM information_schema.views WHERE table_schema = '${SCRATCH}' ORDER BY 1`,
      ),
    ).toEqual(["v", "w"]);
    await steps.dropScratch();
    await admin.query("DROP DATABASE another");
  }, 180_000);

  it("all that an application makes after the copy is made again, by a server's reading of the log", async () => {
    await service.query("CREATE TABLE first (id INT PRIMARY KEY)");
    await copied();
    const refused: string[] = [];
    const statements = [
      ...everyObject(version),
      ...[11, 12, 13].flatMap((seed) => randomMariadb(new Seeded(seed), version)),
    ];
    for (const statement of statements)
      await service.query(statement).catch((error: unknown) => refused.push(`${statement}: ${error}`));
    expect(refused.length, refused.join("\n")).toBeLessThan(statements.length / 4);
    await laidDown(await closedLogs());
    await steps.pointStart(EVER, true, undefined);
    await expectAlike();
    await steps.pointEnd();
  }, 180_000);

  it("a packed log is read, too", async () => {
    await service.query("CREATE TABLE t (id INT PRIMARY KEY, txt TEXT)");
    await copied();
    await admin.query("SET GLOBAL log_bin_compress = ON");
    await service.close();
    service = await asService(engine, entry);
    await service.query(`ALTER TABLE t COMMENT '${"c".repeat(1000)}'`);
    await service.query(`INSERT INTO t VALUES (1, '${"x".repeat(1000)}')`);
    await admin.query("SET GLOBAL log_bin_compress = OFF");
    await laidDown(await closedLogs());
    await steps.pointStart(EVER, true, undefined);
    await expectAlike();
    await steps.pointEnd();
  }, 60_000);

  it("what a client would take apart otherwise is what the server read, and other databases stay as the copy has them", async () => {
    await admin.query("CREATE OR REPLACE DATABASE another");
    await admin.query("CREATE TABLE another.t (id INT PRIMARY KEY)");
    await copied();
    for (const statement of [
      "CREATE TABLE x1 (i INT) --\u0001/*!*/; CREATE TABLE mo_games.stolen (i INT) /*!*/;",
      "CREATE TABLE x2 (i INT) /* /*!*/; CREATE TABLE mo_games.stolen (i INT) */",
      "CREATE TABLE x3 (i INT) COMMENT '\\\\\n/*!*/;\nCREATE TABLE mo_games.stolen (i INT)\n/*!*/;\n'",
      "CREATE TABLE x4 (i INT) /*M!100000 COMMENT 'a' /*!*/;\nDELIMITER x\nCREATE TABLE mo_games.stolen (i INT) x */",
      "CREATE TABLE `x5;\n/*!*/;\nCREATE TABLE mo_games.stolen (i INT)` (i INT)",
    ])
      await service.query(statement).catch(() => undefined);
    // Whoever else is on the server can neither end this recovery nor change what it makes.
    await admin.query("SET sql_log_bin = 0");
    await admin.query("CREATE TABLE another.unknown (id INT PRIMARY KEY)");
    await admin.query("SET sql_log_bin = 1");
    await admin.query("INSERT INTO another.unknown VALUES (1)");
    await admin.query("INSERT INTO another.t VALUES (1)");
    await admin.query("CREATE DATABASE one_more");
    await service.query("CREATE TABLE last (i INT)");
    const made = await values(`SHOW TABLES FROM ${DATABASE}`);
    await laidDown(await closedLogs());
    await steps.pointStart(EVER, true, undefined);
    const seen = async (sql: string) =>
      (await host.shell(`mariadb --no-defaults --socket=${POINT}/run/socket -N -e '${sql}'`)).split("\n");
    await expectAlike();
    expect(made).toContain("last");
    expect(made).not.toContain("stolen");
    expect(await seen("SELECT COUNT(*) FROM another.t")).toEqual(["0", ""]);
    expect(await seen("SHOW DATABASES")).not.toContain("one_more");
    await steps.pointEnd();
    for (const name of ["another", "one_more"]) await admin.query(`DROP DATABASE ${name}`);
  }, 60_000);

  it.each([
    ["that is cut", "truncate -s -7", /binlog\.\d+ is cut/],
    ["that is no log", "truncate -s 0", /binlog\.\d+ is no binary log/],
  ])("a file of the log %s ends it", async (_what, spoil, words) => {
    await service.query("CREATE TABLE t (id INT PRIMARY KEY)");
    await copied();
    await service.query("INSERT INTO t VALUES (1)");
    const logs = await closedLogs();
    await laidDown(logs);
    await host.shell(`${spoil} ${POINT}/log/${path.basename(logs.at(-1) ?? "")}`);
    await expect(steps.pointStart(EVER, true, undefined)).rejects.toThrow(words);
    await steps.pointEnd();
  });

  it("a change that does not fit what the copy has ends it, and no row is told", async () => {
    await service.query("CREATE TABLE t (id INT PRIMARY KEY, txt TEXT)");
    await copied();
    await admin.query("SET sql_log_bin = 0");
    await admin.query(`INSERT INTO ${DATABASE}.t VALUES (1, 'canary-of-a-person')`);
    await admin.query("SET sql_log_bin = 1");
    await service.query("UPDATE t SET txt = 'canary-of-a-person' WHERE id = 1");
    await service.query("UPDATE t SET txt = 'canary-of-another' WHERE id = 1");
    await laidDown(await closedLogs());
    const fault = await steps.pointStart(EVER, true, undefined).then(
      () => "none",
      (error: unknown) => String(error),
    );
    expect(fault).toMatch(/the log cannot be replayed \(the server's error 1032\)/);
    expect(fault).not.toContain("canary");
    await steps.pointEnd();
  });
});
