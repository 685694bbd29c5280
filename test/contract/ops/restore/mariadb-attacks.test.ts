import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import type { Backup } from "../../../../ops/backup/manifest";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { MariadbHost } from "../../../support/local-host-mariadb";
import {
  asAdmin,
  asService,
  makeDatabase,
  makeService,
  mariadbEntry,
} from "../../../support/mariadb-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";

const DATABASE = "mo_games";
const entry = mariadbEntry(DATABASE);
const CANARY = "canary-7f3a9c-row-of-a-person";

/** What a service, or whoever writes a backup, may try; and what is merely large. */
describe.each([
  "10.11",
  "11.8",
] as const)("MariaDB %s: a backup gives nobody power", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: MariadbHost;
  let admin: MariadbConnection;
  let service: MariadbConnection;

  const values = async (sql: string) => (await admin.query(sql)).map((row) => Object.values(row).join(" "));

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
    await anew();
  });
  afterAll(async () => {
    await service?.close();
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  /** What a script of the agent's begins with. */
  const agent =
    "etc=/srv/backup lib=/usr/local/lib/estate-backup state=/srv/backup work=/srv/backup; mkdir -p $state; source $lib/errors.sh; source $lib/common.sh; source $lib/mariadb.sh";

  /** An empty database, and the service in it. */
  async function anew() {
    await service?.close();
    await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
    await makeDatabase(admin, entry);
    for (const name of await values("SHOW DATABASES LIKE 'mo_games\\_\\_replaced%'"))
      await admin.query(`DROP DATABASE ${name}`);
    service = await asService(engine, entry);
  }

  /** A backup with this text, by somebody who has its recipient's public key. */
  async function forged(text: string, rows: Record<string, number>): Promise<Backup> {
    await host.shell(`mkdir -p /srv/forged; cat >/srv/forged/text`, text);
    const sealed = await host.shell(
      `zstd -q -c /srv/forged/text | age -r ${bench.store.recipient} | base64 -w0`,
    );
    return bench.stored("20260105T020000Z", Buffer.from(sealed, "base64"), rows);
  }

  const TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v TEXT);\nINSERT INTO t VALUES (1, 'x');\n";
  const END = "\n-- Dump completed\n";
  const code = (object: object) =>
    `-- code ${JSON.stringify({ charset: "utf8mb4", collation: "utf8mb4_general_ci", mode: "", broken: false, definer: { user: "root", host: "localhost" }, ...object })}\n`;

  it.each([
    ["a command of the client", `${TABLE}\\! touch /tmp/owned\n`],
    ["a command of the client by name", `${TABLE}system touch /tmp/owned\n`],
    ["a file of the client", `${TABLE}source /etc/passwd\n`],
    ["a file of the server", `${TABLE}SELECT 1 INTO OUTFILE '/tmp/owned';\n`],
    ["a trigger", `${TABLE}CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = '';\n`],
    [
      "a view of root's",
      `${TABLE}CREATE DEFINER=root@localhost VIEW w AS SELECT * FROM mysql.global_priv;\n`,
    ],
    ["an account", `${TABLE}CREATE USER owned@'%' IDENTIFIED BY 'x';\n`],
    ["another database", `${TABLE}CREATE TABLE mysql.owned (id INT);\n`],
    ["the live database", `${TABLE}DROP DATABASE mo_games;\n`],
    ["a setting of the server", `${TABLE}SET GLOBAL general_log = 1;\n`],
  ])("%s in a forged dump ends the restore, live untouched", async (_what, text) => {
    const result = await bench.restore({
      backup: await forged(`${text}${END}`, { t: 1 }),
      into: "forged_copy",
      acceptFaults: true,
    });
    expect(result.fault?.live).toBe("untouched");
    expect(await host.shell("ls /tmp")).not.toContain("owned");
    expect(await values("SELECT user FROM mysql.global_priv WHERE user = 'owned'")).toEqual([]);
    expect(await values("SHOW DATABASES LIKE 'forged%'")).toEqual([]);
    expect(await values(`SHOW DATABASES LIKE '${DATABASE}'`)).toEqual([DATABASE]);
    expect(await values("SELECT user FROM mysql.global_priv WHERE user = 'estate-restore'")).toEqual([]);
  });

  it("code of a forged dump is made by nobody but the service, and is one object each", async () => {
    const text = [
      code({
        kind: "procedure",
        word: "PROCEDURE",
        name: "rise",
        text: "() BEGIN INSERT INTO mysql.owned VALUES (1); END; DROP DATABASE mo_games",
      }),
      code({ kind: "function", word: "FUNCTION", name: "f", text: "() RETURNS INT RETURN 1" }),
      code({
        kind: "view",
        algorithm: "MERGE",
        security: "DEFINER",
        name: "secrets",
        text: "select * from mysql.global_priv",
      }),
      code({ kind: "view", algorithm: "MERGE", security: "DEFINER", name: "good", text: "select id from t" }),
    ];
    const refused = await bench.restore({
      backup: await forged(`${text.join("")}${TABLE}${END}`, { t: 1 }),
      into: "forged_copy",
    });
    expect(refused.fault?.reason).toMatch(/procedure rise cannot be made.*view secrets cannot be made/);
    const taken = await bench.restore({
      backup: await forged(`${text[1]}${text[3]}${TABLE}${END}`, { t: 1 }),
      into: "forged_copy",
    });
    expect(taken.fault).toBeUndefined();
    expect(bench.said).toContain(
      'mo_games: note: function f was made by "root@localhost", and is the service\'s now',
    );
    expect(await values("SELECT definer FROM mysql.proc WHERE db = 'forged_copy'")).toEqual([
      "svc_games@127.0.0.1",
    ]);
    expect(
      await values("SELECT definer FROM information_schema.views WHERE table_schema = 'forged_copy'"),
    ).toEqual(["svc_games@127.0.0.1"]);
    await admin.query("DROP DATABASE forged_copy");
  });

  it("a view that takes a table's place while it is dumped ends the dump", async () => {
    const table = "CREATE TABLE `t` (\n  `id` int\n);\n";
    const dump = `${table}/*!50001 CREATE VIEW \`w\` AS SELECT\n 1 AS \`a\` */;\n${END}`;
    const agent =
      "etc=/srv/forged lib=/usr/local/lib/estate-backup; source $lib/bounds.sh; source $lib/errors.sh; source $lib/common.sh; source $lib/mariadb.sh";
    const plain = (text: string) =>
      host.shell(
        `mkdir -p /srv/forged; ${agent}; plain_tables ${DATABASE} /srv/forged/rows /srv/forged/structure`,
        text,
      );
    await expect(plain(dump)).rejects.toThrow(/a table became a view while it was dumped/);
    expect(await plain(`${table}${END}`)).toBe(`${table}${END}`);
  });

  it("no message holds a row", async () => {
    const text = `CREATE TABLE t (id VARCHAR(100) PRIMARY KEY);\nINSERT INTO t VALUES ('${CANARY}'),\n('${CANARY}');\n`;
    const result = await bench.restore({
      backup: await forged(`${text}${END}`, { t: 2 }),
      into: "forged_copy",
    });
    expect(result.fault?.reason).toMatch(/ERROR 1062 \(23000\)/);
    expect(JSON.stringify([result, bench.said])).not.toContain("canary");
  });

  it("a row of 20 MB comes back, and the server takes as much as before", async () => {
    await anew();
    await service.query("CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, c LONGTEXT) ENGINE=InnoDB");
    await service.query("INSERT INTO t VALUES (1, REPEAT(x'00ff', 10*1024*1024), REPEAT('z', 16*1024*1024))");
    const before = await values(`CHECKSUM TABLE ${DATABASE}.t`);
    await admin.query("SET GLOBAL max_allowed_packet = 16777216");
    const backup = await bench.backUp("20260106T020000Z");
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect(await values(`CHECKSUM TABLE ${DATABASE}.t`)).toEqual(before);
    expect(await values("SELECT @@GLOBAL.max_allowed_packet")).toEqual(["16777216"]);
  }, 180_000);

  it("800 tables with long names", async () => {
    await anew();
    for (let i = 0; i < 800; i++) {
      await service.query(
        `CREATE TABLE civicrm_value_with_a_rather_long_name_of_its_own_xxxxxxxx_${i} (id INT PRIMARY KEY) ENGINE=InnoDB`,
      );
    }
    const backup = await bench.backUp("20260107T020000Z");
    expect(Object.keys(backup.rows)).toHaveLength(800);
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect(result.closedMs).toBeLessThan(60_000);
    expect(
      await values(`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '${DATABASE}'`),
    ).toEqual(["800"]);
  }, 300_000);

  it("whoever holds a table keeps a restore from beginning, for half a minute", async () => {
    await anew();
    await service.query("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
    await service.query("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB");
    await service.query("CREATE VIEW v AS SELECT id FROM t");
    for (const table of ["a", "t"]) {
      await service.query(
        `CREATE TRIGGER of_${table} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.id = NEW.id + 1`,
      );
    }
    const backup = await bench.backUp("20260108T020000Z");
    const other = await asAdmin(engine, DATABASE);
    await other.query("BEGIN");
    await other.query("SELECT * FROM t");
    const result = await bench.restore({ backup });
    expect(result.fault?.live).toBe("untouched");
    expect(result.fault?.reason).toMatch(/ERROR 1205/);
    expect(result.durationMs).toBeLessThan(55_000);
    await other.close();
    expect(await values(`SELECT COUNT(*) FROM ${DATABASE}.v`)).toEqual(["0"]);
    expect(
      await values("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'mo_games'"),
    ).toEqual(["of_a", "of_t"]);
    await (await asService(engine, entry)).close();
  }, 120_000);

  // MariaDB before 11 writes such a name down so that nobody can read it back.
  it("a foreign key with a ` in its name comes back, or is refused when it is saved", async () => {
    await anew();
    await service.query(
      "CREATE TABLE t (`a``b` INT PRIMARY KEY, k INT, CONSTRAINT `f``k` FOREIGN KEY (k) REFERENCES t (`a``b`)) ENGINE=InnoDB",
    );
    const saved = bench.backUp("20260109T020000Z");
    if (version === "10.11") {
      await expect(saved).rejects.toThrow(/table 't' has a foreign key with a ` in a name/);
      return;
    }
    const result = await bench.restore({ backup: await saved });
    expect(result.fault).toBeUndefined();
    expect(
      await values(
        `SELECT constraint_name, referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = '${DATABASE}' AND referenced_column_name IS NOT NULL`,
      ),
    ).toEqual(["f`k a`b"]);
  });

  it("a history that is told by transactions is refused when it is saved", async () => {
    await anew();
    await service.query(
      "CREATE TABLE h (x INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, " +
        "PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING ENGINE=InnoDB",
    );
    await expect(bench.backUp("20260109T030000Z")).rejects.toThrow(
      /table 'h' keeps its history by transactions/,
    );
  });

  it("a statement that does not end keeps a physical copy from being made, and nobody from making a table", async () => {
    await anew();
    await service.query("CREATE TABLE slow (i INT) ENGINE=MyISAM");
    const endless = await asService(engine, entry);
    const statement = endless.query("INSERT INTO slow SELECT SLEEP(150)").catch(() => undefined);
    const copied = host.shell(
      `${agent}\nCOPY_WAIT=2; physical_copy 2>&1 >/dev/null | grep estate- >&2; exit 1`,
    );
    await expect(copied).rejects.toThrow(/has kept the copy waiting for 2 s/);
    await service.query("CREATE TABLE made (i INT)");
    expect(
      await values("SELECT state FROM information_schema.processlist WHERE info LIKE '%SLEEP(150)'"),
    ).toContain("User sleep");
    for (const id of await values("SELECT id FROM information_schema.processlist WHERE state = 'User sleep'"))
      await admin.query(`KILL ${id}`);
    await statement;
    await endless.close().catch(() => undefined);
  }, 180_000);
});
