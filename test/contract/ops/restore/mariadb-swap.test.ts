import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import type { Backup } from "../../../../ops/backup/manifest";
import { RestoreSteps } from "../../../../ops/restore/host";
import type { RestoreResult } from "../../../../ops/restore/run";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { MariadbHost } from "../../../support/local-host-mariadb";
import { TRIGGER_HEAD } from "../../../support/mariadb-objects";
import {
  asAdmin,
  asService,
  makeDatabase,
  makeService,
  mariadbEntry,
} from "../../../support/mariadb-service";
import { randomMariadb } from "../../../support/random-mariadb";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { KILLED, onceThrough, sabotaged } from "../../../support/sabotage";
import { Seeded } from "../../../support/seeded";

const entry = mariadbEntry("mo_games");
const SEEDS = process.env.RANDOM_SEEDS?.split(",").map(Number) ?? [21];

/** What a random application does not have. */
const MORE = [
  `CREATE TABLE \`${"ü".repeat(64)}\` (id INT PRIMARY KEY)`,
  "CREATE TABLE `new\nline``.``t` (id INT PRIMARY KEY)",
  "CREATE VIEW `v\n``1` AS SELECT id FROM `new\nline``.``t`",
  "CREATE TABLE t (id INT PRIMARY KEY)",
];
/** Of an operator who is gone. */
const FOREIGN = [
  "CREATE DEFINER=gone@nowhere TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1",
  "CREATE DEFINER=gone@nowhere SQL SECURITY INVOKER VIEW of_gone AS SELECT id FROM t",
  "CREATE DEFINER=gone@nowhere PROCEDURE by_gone() SELECT 1",
];
/** A view that reads itself. */
const CYCLE = [
  "CREATE TABLE turn (id INT)",
  "CREATE VIEW first AS SELECT id FROM turn",
  "CREATE VIEW second AS SELECT id FROM first",
  "DROP TABLE turn",
  "RENAME TABLE second TO turn",
];

/** The change of places ends somewhere: one of the two is live, and whole, and the service gets in. */
describe.each(["10.11", "11.8"] as const)("MariaDB %s: a change of places", {
  timeout: 300_000,
}, (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: MariadbHost;
  let admin: MariadbConnection;
  let backup: Backup;
  let saved: string;
  let since: string;

  beforeAll(async () => {
    engine = await startMariadb(version, { settings: { "log-bin-trust-function-creators": "ON" } });
    bench = await restoreBench(entry.name, { name: "mariadb", kind: "mariadb", engine, version });
    host = bench.host as MariadbHost;
    admin = await asAdmin(engine);
    await makeDatabase(admin, entry);
    await makeService(admin, entry);
    const service = await asService(engine, entry);
    const random = SEEDS.flatMap((seed) => randomMariadb(new Seeded(seed), version));
    // Of several seeds some names are the same.
    for (const statement of random) await service.query(statement).catch(() => undefined);
    for (const statement of MORE) await service.query(statement);
    await admin.query(`USE ${entry.name}`);
    await admin.query("CREATE USER gone@nowhere IDENTIFIED BY 'fixture-password-of-some-length'");
    await admin.query(`GRANT ALL ON ${entry.name}.* TO gone@nowhere`);
    for (const statement of FOREIGN) await admin.query(statement);
    await service.close();
    backup = await bench.backUp("20260102T020000Z");
    saved = await picture();
    await admin.query("DROP TRIGGER g");
    await admin.query("INSERT INTO t VALUES (42)");
    await admin.query(FOREIGN[0] ?? "");
    await admin.query("CREATE TABLE later (id INT)");
    await admin.query("DROP VIEW of_gone");
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT 'since'`);
    since = await picture();
    await admin.query("DROP USER gone@nowhere");
  }, 600_000);
  afterAll(async () => {
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  const values = async (sql: string) => (await admin.query(sql)).map((row) => Object.values(row).join(" "));
  /** By the distribution's own dump, as root. */
  const picture = async () => {
    const dump =
      "mariadb-dump --no-defaults --routines --triggers --dump-history --hex-blob --skip-dump-date --order-by-primary " +
      `--default-character-set=utf8mb4 ${entry.name}`;
    const comment = await values(
      `SELECT schema_comment FROM information_schema.schemata WHERE schema_name = '${entry.name}'`,
    );
    // What an account that is gone had made is made by the service.
    const text = (await host.shell(dump))
      .replaceAll("`gone`@`nowhere`", "`svc_games`@`127.0.0.1`")
      .replace(TRIGGER_HEAD, "TRIGGER $1 $2 ON $3 FOR EACH ROW");
    return `${text}\n${comment}`;
  };
  const lines = (text: string) => text.split("\n");

  /** A restore whose operator is gone with it: nobody asks what came of it. */
  async function killed(bash: string): Promise<RestoreResult> {
    host.breakAt("outcome");
    return sabotaged(host, bash, () => bench.restore({ backup, acceptFaults: true })).finally(() =>
      host.breakAt(undefined),
    );
  }
  async function recover(): Promise<string[]> {
    const names = {
      scratch: `${entry.name}__restoring`,
      replaced: `${entry.name}__replaced_20300101t000000z`,
    };
    const steps = new RestoreSteps(await host.open("mariadb"), entry, names, engine.port);
    return steps.recover().finally(() => steps.close());
  }
  async function expectOpen() {
    await (await asService(engine, entry)).close();
    expect(await values("SELECT user FROM mysql.global_priv WHERE user = 'estate-restore'")).toEqual([]);
  }
  async function expectAsBefore() {
    expect(lines(await picture())).toEqual(lines(since));
    expect(await values("SHOW DATABASES LIKE 'mo_games\\_\\_replaced%'")).toEqual([]);
    await expectOpen();
  }
  /** Live is what was saved; what was replaced becomes live again, for the next test. */
  async function expectRestored() {
    expect(lines(await picture())).toEqual(lines(saved));
    await expectOpen();
    const [kept = ""] = await values("SHOW DATABASES LIKE 'mo_games\\_\\_replaced%'");
    expect(await values(`SELECT id FROM ${kept}.t`)).toEqual(["42"]);
    expect(await values(`SELECT COUNT(*) FROM ${kept}.later`)).toEqual(["0"]);
    await admin.query(`DROP DATABASE ${kept}`);
    await admin.query(`USE ${entry.name}`);
    await admin.query("DROP VIEW of_gone");
    await admin.query("INSERT INTO t VALUES (41)");
    await admin.query("CREATE TABLE later (id INT)");
    await admin.query(`ALTER DATABASE ${entry.name} COMMENT 'since'`);
    expect(lines(await picture())).toEqual(lines(since));
  }

  it("is the first moment in which the service enters what was loaded", async () => {
    const names = { scratch: `${entry.name}__restoring`, replaced: "" };
    const steps = new RestoreSteps(await host.open("mariadb"), entry, names, engine.port);
    await steps.createScratch();
    await expect(asService(engine, entry, names.scratch)).rejects.toThrow(/denied/);
    await steps.dropScratch();
    steps.close();
  });

  // In the second case what has begun the statement is gone, and the server has carried it out.
  it.each(["strip_code", "rename_tables", "make_code"])("that fails after %s is taken back", async (at) => {
    const result = await sabotaged(host, onceThrough(at, "exit 1"), () =>
      bench.restore({ backup, acceptFaults: true }),
    );
    expect(result.fault?.live).toBe("untouched");
    await expectAsBefore();
  });

  it.each([
    "create_like_live",
    "each_account",
    "strip_code",
    "rename_tables",
    "foreign_keys",
    "make_code",
  ])("that is killed after %s is taken back by whatever comes next", async (at) => {
    const result = await killed(onceThrough(at, KILLED));
    expect(result.fault).toMatchObject({
      live: "unknown",
      reason: expect.stringMatching(/run the restore of mo_games again: it first puts right what was left/),
    });
    expect((await recover()).join()).toMatch(/is what it was/);
    await expectAsBefore();
    expect(await recover()).toEqual([]);
  });

  it.each([
    "open_logins",
    "borrowed_rights",
  ])("that is killed after %s is finished by whatever comes next", async (at) => {
    await killed(onceThrough(at, KILLED));
    expect((await recover()).join()).toMatch(/mo_games is the restored one/);
    await expectRestored();
  });

  it("that was killed is put right before the next restore begins, also one that then fails", async () => {
    await killed(onceThrough("rename_tables", KILLED));
    const rows = { ...backup.rows, none: 1 };
    const result = await bench.restore({ backup: { ...backup, rows }, acceptFaults: true });
    expect(bench.said.join()).toContain("a change of places that broke off was taken back");
    expect(result.fault).toMatchObject({
      live: "untouched",
      reason: expect.stringContaining("none is missing"),
    });
    await expectAsBefore();
  });

  it.each(["strip_code", "rename_tables", "make_code"])("whose server is killed after %s", async (at) => {
    const reached = 'touch "$state/reached"; until [ -e "$state/go_on" ]; do sleep 0.1; done';
    await host.shell("rm -f /var/lib/estate-restore/go_on /var/lib/estate-restore/reached");
    const restoring = sabotaged(host, onceThrough(at, reached), () =>
      bench.restore({ backup, acceptFaults: true }),
    );
    await host.shell("until [ -e /var/lib/estate-restore/reached ]; do sleep 0.1; done");
    await admin.close();
    const startAgain = await engine.crash();
    await host.shell("touch /var/lib/estate-restore/go_on");
    const result = await restoring;
    expect(result.fault).toMatchObject({
      live: "unknown",
      reason: expect.stringMatching(
        /Once the database server of mariadb answers .*, run the restore of mo_games again/,
      ),
    });
    // The next one says the same until the server is there.
    expect((await bench.restore({ backup })).fault?.live).toBe("unknown");
    await startAgain();
    admin = await asAdmin(engine);
    expect((await recover()).join()).toMatch(/taken back/);
    await expectAsBefore();
  });

  it("for which there is no room where its journal lies begins nothing, and says so", async () => {
    const full =
      'mkdir -p "$state/$LIVE"; mount -t tmpfs -o size=4k none "$state/$LIVE"; head -c 4096 /dev/zero >"$state/$LIVE/full" || true';
    const result = await sabotaged(host, full, () => bench.restore({ backup, acceptFaults: true })).finally(
      () => host.shell("umount /var/lib/estate-restore/mo_games"),
    );
    expect(result.fault).toMatchObject({
      live: "untouched",
      reason: expect.stringContaining("No space left on device"),
    });
    await expectAsBefore();
  });

  it("for which the service keeps a lock that outlives its session", async () => {
    const service = await asService(engine, entry);
    for (const statement of [
      "XA START 'mine'",
      "INSERT INTO later VALUES (7)",
      "XA END 'mine'",
      "XA PREPARE 'mine'",
    ])
      await service.query(statement);
    await service.close();
    const result = await bench.restore({ backup, acceptFaults: true });
    expect(result.fault).toMatchObject({
      live: "untouched",
      reason: expect.stringMatching(
        /ERROR 1205.*prepared transactions on this server: 1\..*XA ROLLBACK ends them/,
      ),
    });
    await admin.query("XA ROLLBACK 'mine'");
    await expectAsBefore();
  });

  it("brings everything back in the end; a view that reads itself is left out", async () => {
    await admin.query(`USE ${entry.name}`);
    for (const statement of CYCLE) await admin.query(statement);
    const cycled = await bench.backUp("20260103T020000Z");
    for (const view of ["turn", "first"]) await admin.query(`DROP VIEW ${view}`);
    expect((await bench.restore({ backup: cycled, acceptFaults: true })).fault).toBeUndefined();
    expect(bench.said.filter((line) => line.includes("left out"))).toHaveLength(2);
    await admin.query(`DROP DATABASE ${(await values("SHOW DATABASES LIKE 'mo_games\\_\\_replaced%'"))[0]}`);
    expect(lines(await picture())).toEqual(lines(since));
    expect((await bench.restore({ backup, acceptFaults: true })).fault).toBeUndefined();
    expect(lines(await picture())).toEqual(lines(saved));
    await expectOpen();
  });
});
