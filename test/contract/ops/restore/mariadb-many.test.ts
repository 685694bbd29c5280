import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import { type MariadbEngine, startMariadb } from "../../../support/engines-mariadb";
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
/** More than one argument, one statement's default length or one list of files would hold. */
const TABLES = 2300;

describe("a database of some thousand tables", () => {
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let service: MariadbConnection;

  beforeAll(async () => {
    engine = await startMariadb("11.8", { settings: { "innodb-flush-log-at-trx-commit": "0" } });
    bench = await restoreBench(DATABASE, { name: "mariadb", kind: "mariadb", engine, version: "11.8" });
    const admin = await asAdmin(engine);
    await makeDatabase(admin, entry);
    await makeService(admin, entry);
    await admin.close();
    service = await asService(engine, entry);
    for (let n = 0; n < TABLES; n++) {
      const name = `a_rather_long_name_of_a_table_of_an_application_${n}`;
      await service.query(
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=${n % 10 === 0 ? "InnoDB" : "Aria"}`,
      );
      if (n % 100 === 0) await service.query(`INSERT INTO ${name} VALUES (${n}, 'x')`);
    }
  });
  afterAll(async () => {
    await service?.close();
    await bench?.stop();
    await engine?.stop();
  });

  it("comes back in its place", async () => {
    const backup = await bench.backUp("20260102T020000Z");
    expect(Object.keys(backup.rows)).toHaveLength(TABLES);
    await service.query("DROP TABLE a_rather_long_name_of_a_table_of_an_application_0");
    // The restore ends the service's sessions.
    await service.close();
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    service = await asService(engine, entry);
    const [found] = await service.query<{ n: number }>(
      `SELECT COUNT(*) AS n FROM information_schema.tables WHERE table_schema = '${DATABASE}'`,
    );
    expect(Number(found?.n)).toBe(TABLES);
    expect(await service.query("SELECT v FROM a_rather_long_name_of_a_table_of_an_application_2200")).toEqual(
      [{ v: "x" }],
    );
  }, 300_000);
});
