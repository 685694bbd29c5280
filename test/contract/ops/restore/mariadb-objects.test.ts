import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import type { Backup } from "../../../../ops/backup/manifest";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { MariadbHost } from "../../../support/local-host-mariadb";
import {
  BROKEN,
  BROKEN_TRIGGER,
  everyObject,
  ODD_NAMES,
  TRIGGER_HEAD,
} from "../../../support/mariadb-objects";
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

/** What an application makes over its own login comes back, in place and under another name. */
describe.each(["10.11", "11.8"] as const)("MariaDB %s: everything comes back", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: MariadbHost;
  let admin: MariadbConnection;
  let service: MariadbConnection;
  let backup: Backup;
  let made: string;

  beforeAll(async () => {
    engine = await startMariadb(version, {
      settings: { "log-bin": "binlog", "log-bin-trust-function-creators": "ON" },
    });
    bench = await restoreBench(DATABASE, { name: "mariadb", kind: "mariadb", engine, version });
    host = bench.host as MariadbHost;
    admin = await asAdmin(engine);
    await makeDatabase(admin, entry);
    await makeService(admin, entry);
    service = await asService(engine, entry);
    const refused: string[] = [];
    for (const statement of everyObject(version)) {
      await service.query(statement).catch((error: unknown) => refused.push(`${statement}: ${error}`));
    }
    expect(refused).toEqual([]);
    // An application has no EVENT; whoever runs the server may have made some for it.
    await admin.query(`USE ${DATABASE}`);
    await admin.query(
      "CREATE DEFINER=svc_games@'127.0.0.1' EVENT `nightly ``one` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 02:00:00' ON COMPLETION PRESERVE COMMENT 'x''y' DO DELETE FROM nothing",
    );
    made = await picture(DATABASE);
    for (const statement of [...BROKEN, ...BROKEN_TRIGGER]) await service.query(statement);
    backup = await bench.backUp("20260102T020000Z");
  });
  afterAll(async () => {
    await service?.close();
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  /** By the distribution's own tools, as root: text of every object, rows with their history. */
  const picture = async (database: string) => {
    const text = await host.shell(
      "mariadb-dump --no-defaults --force --routines --triggers --events --dump-history --hex-blob --skip-dump-date --order-by-primary " +
        `--default-character-set=utf8mb4 ${database} 2>/dev/null || true`,
    );
    return text.replaceAll(database, DATABASE).replace(TRIGGER_HEAD, "TRIGGER $1 $2 ON $3 FOR EACH ROW");
  };

  const values = async (sql: string) => (await admin.query(sql)).map((row) => Object.values(row).join(" "));
  const lines = (text: string) => text.split("\n");

  it("the rows of the manifest are those that are there", async () => {
    expect(backup.rows).toMatchObject({
      t: 2,
      versioned: 3,
      versioned_by_name: 2,
      in_CSV: 2,
      counted: 1,
      nothing: 0,
    });
    for (const name of ODD_NAMES) expect(backup.rows).toHaveProperty([name], 2);
  });

  it("what will not come back as it is was noted", async () => {
    const { notes } = await bench.host.backUp(DATABASE, bench.store.recipient);
    const broken = (name: string) =>
      `view ${name} is broken: the server cannot open it; it will not come back`;
    expect(notes).toEqual([
      "table inexact: column f is a FLOAT, which a dump tells with six digits: some of its values come back as others. DOUBLE is told whole",
      "table inexact: column t holds characters that Unicode does not have: they come back as others",
      ...["broken", "broken_collation", "broken_time", "broken_too"].map(broken),
    ]);
  });

  it("in its place", async () => {
    await service.query("DELETE FROM t");
    await service.query("DROP VIEW of_function");
    await service.query("DROP PROCEDURE looped");
    const result = await bench.restore({ backup, acceptFaults: true });
    expect(result.fault).toBeUndefined();
    expect(lines(await picture(DATABASE))).toEqual(lines(made));
    expect(await values(`SELECT HEX(a), HEX(b), HEX(c) FROM ${DATABASE}.of_bytes LIMIT 1`)).toEqual([
      "E9 E9275C0A D6",
    ]);
    expect(bench.said.filter((line) => line.includes("note:"))).toEqual([
      "mo_games: note: view broken was broken when it was saved, and is left out",
      "mo_games: note: view broken_collation was broken when it was saved, and is left out",
      "mo_games: note: view broken_time was broken when it was saved, and is left out",
      "mo_games: note: view broken_too was broken when it was saved, and is left out",
      "mo_games: note: trigger of_column names a column that its table does not have any more, and is left out",
    ]);
  });

  it("what was replaced is kept whole", async () => {
    const names = await admin.query(`SHOW DATABASES LIKE '${DATABASE}\\_\\_replaced%'`);
    const kept = String(Object.values(names[0] ?? {})[0]);
    await admin.query(`GRANT SELECT, EXECUTE ON ${kept}.* TO svc_games@'127.0.0.1'`);
    expect(await picture(kept)).toContain("Final view structure for view `a_on_a`");
    await admin.query(`REVOKE SELECT, EXECUTE ON ${kept}.* FROM svc_games@'127.0.0.1'`);
    await admin.query(`DROP DATABASE ${kept}`);
  });

  it("under another name, and no event runs there", async () => {
    const result = await bench.restore({ backup, into: "copy_of_games", acceptFaults: true });
    expect(result.fault).toBeUndefined();
    expect(await values("SELECT COUNT(*) FROM mysql.db WHERE db LIKE 'copy%'")).toEqual(["0"]);
    // Whoever wants to use its views gives their owner the right to.
    await admin.query("GRANT SELECT, EXECUTE ON copy_of_games.* TO svc_games@'127.0.0.1'");
    const copy = await picture("copy_of_games");
    expect(
      lines(copy.replace(/ ON COMPLETION PRESERVE DISABLE /, " ON COMPLETION PRESERVE ENABLE ")),
    ).toEqual(lines(made));
  });

  it("the sequences of the copy are its own", async () => {
    const taken = async (database: string) =>
      Number(Object.values((await admin.query(`SELECT NEXT VALUE FOR ${database}.numbers`))[0] ?? {})[0]);
    const before = await taken(DATABASE);
    for (let i = 0; i < 3; i++) await admin.query("INSERT INTO copy_of_games.taker () VALUES ()");
    expect(await taken(DATABASE)).toBe(before + 3);
    await admin.query("DROP DATABASE copy_of_games");
  });

  it("nothing was run and nothing of the accounts is left", async () => {
    expect(await host.shell("ls /tmp")).not.toContain("owned");
    const accounts = await admin.query(
      "SELECT user FROM mysql.global_priv WHERE user LIKE 'estate-restore%'",
    );
    expect(accounts).toEqual([]);
    const rights = await admin.query("SHOW GRANTS FOR 'estate-backup'@localhost");
    const text = rights.map((row) => Object.values(row)[0]).join("\n");
    expect(text).not.toMatch(/ALL PRIVILEGES|INSERT|SUPER|FILE|SET USER/);
  });
});
