import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../../support/engines-mariadb";
import type { MariadbHost } from "../../../support/local-host-mariadb";
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
const entry = mariadbEntry(DATABASE);
/** RANDOM_SEEDS=100,101 tries others. */
const SEEDS = process.env.RANDOM_SEEDS?.split(",").map(Number) ?? [1, 2, 3, 4, 5, 6];

describe.each([
  "10.11",
  "11.8",
] as const)("MariaDB %s: a random application's database", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let host: MariadbHost;
  let admin: MariadbConnection;

  beforeAll(async () => {
    engine = await startMariadb(version, {
      settings: { "log-bin": "binlog", "log-bin-trust-function-creators": "ON", "max-allowed-packet": "64M" },
    });
    bench = await restoreBench(DATABASE, { name: "mariadb", kind: "mariadb", engine, version });
    host = bench.host as MariadbHost;
    admin = await asAdmin(engine);
    await makeService(admin, entry);
  });
  afterAll(async () => {
    await admin?.close();
    await engine?.stop();
    await bench?.stop();
  });

  /** By the distribution's own dump, as root. */
  const picture = (database: string) =>
    host.shell(
      "mariadb-dump --no-defaults --routines --triggers --dump-history --hex-blob --skip-dump-date --order-by-primary " +
        `--default-character-set=utf8mb4 ${database}`,
    );

  it.each(SEEDS)("of seed %i comes back in its place", async (seed) => {
    for (const row of await admin.query("SHOW DATABASES LIKE 'mo\\_games%'"))
      await admin.query(`DROP DATABASE \`${Object.values(row)[0]}\``);
    await makeDatabase(admin, entry);
    const statements = randomMariadb(new Seeded(seed), version);
    const service = await asService(engine, entry);
    const refused: string[] = [];
    for (const statement of statements)
      await service.query(statement).catch((error: unknown) => refused.push(`${statement}: ${error}`));
    await service.close();
    // A generator whose statements are refused would prove nothing.
    expect(refused.length, refused.join("\n")).toBeLessThan(statements.length / 4);
    const made = await picture(DATABASE);

    const backup = await bench.backUp("20260102T020000Z");
    await admin.query(`DROP DATABASE ${DATABASE}`);
    await makeDatabase(admin, entry);
    const result = await bench.restore({ backup });
    expect(result.fault, bench.said.join("\n")).toBeUndefined();
    expect((await picture(DATABASE)).split("\n")).toEqual(made.split("\n"));
  });
});
