import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mariadbConfig } from "../../components/plans/mariadb-config";
import { postgresConfig } from "../../components/plans/postgres-config";
import { TLS } from "../../components/plans/tls";
import { connectMariadb, type MariadbConnection } from "../../connect/mariadb";
import { connectPostgres } from "../../connect/postgres";
import { parseMariadb } from "../../policy/servers/mariadb";
import { parsePostgres } from "../../policy/servers/postgres";
import { type MariadbEngine, startMariadb } from "../support/engines-mariadb";
import { type PostgresEngine, startPostgres } from "../support/engines-postgres";
import {
  asAdmin,
  asService,
  makeDatabase,
  makeService,
  mariadbEntry,
  SERVICE_PASSWORD,
} from "../support/mariadb-service";

const entry = mariadbEntry("mo_games");
const sizes = { listen: "127.0.0.1", port: 3306, memoryMiB: 512, serviceLimits: [5] };

/** Of a configuration file, what bears on a service that is logged in. */
function settingsOf(settings: readonly { name: string; value: string }[], names: RegExp) {
  return Object.fromEntries(
    settings.filter(({ name }) => names.test(name)).map(({ name, value }) => [name, value]),
  );
}

describe.each(["10.11", "11.8"] as const)("a service on MariaDB %s, as it is configured", (version) => {
  let engine: MariadbEngine;
  let admin: MariadbConnection;
  let service: MariadbConnection;

  beforeAll(async () => {
    const { settings } = parseMariadb(mariadbConfig({ ...sizes, ...TLS.mariadb }));
    engine = await startMariadb(version, {
      settings: settingsOf(
        settings,
        /^(symbolic_links|plugin_|simple_password|strict_password|max_password|max_connect_)/,
      ),
    });
    admin = await asAdmin(engine);
    await makeDatabase(admin, entry);
    await makeService(admin, entry);
    service = await asService(engine, entry);
  });
  afterAll(async () => {
    await service?.close();
    await admin?.close();
    await engine?.stop();
  });

  it.each(["InnoDB", "Aria", "MyISAM"])("does not say where the files of a table in %s lie", async (kind) => {
    const directory = mkdtempSync(path.join(engine.root, "tmp/outside-"));
    chmodSync(directory, 0o777);
    const at = `'/tmp/${path.basename(directory)}'`;
    const options = `DATA DIRECTORY = ${at}${kind === "MyISAM" ? ` INDEX DIRECTORY = ${at}` : ""}`;
    await service.query(`CREATE TABLE d_${kind} (id INT PRIMARY KEY) ENGINE = ${kind} ${options}`);
    await service.query(
      `CREATE TABLE p_${kind} (id INT PRIMARY KEY) ENGINE = ${kind} PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10) ${options})`,
    );
    await service.query(`INSERT INTO d_${kind} VALUES (1)`);
    const outside = readdirSync(directory);
    rmSync(directory, { recursive: true });
    expect(outside).toEqual([]);
    const inside = readdirSync(path.join(engine.root, engine.directory, "data", "mo_games")).map(String);
    expect(inside.filter((file) => file.startsWith(`d_${kind}`)).length).toBeGreaterThan(1);
  });

  it.each([
    ["SET PASSWORD = PASSWORD('x')"],
    ["SET PASSWORD = PASSWORD('')"],
    ["ALTER USER CURRENT_USER() IDENTIFIED BY 'short'"],
  ])("does not give itself a short password: %s", async (statement) => {
    await expect(service.query(statement)).rejects.toThrow(/1819|password|denied/i);
    await (await asService(engine, entry)).close();
  });

  it("is not locked out by wrong passwords, however many", async () => {
    const wrong = { user: entry.service, password: "wrong" };
    for (let attempt = 0; attempt < 130; attempt++) {
      await expect(connectMariadb(engine, engine, wrong)).rejects.toThrow(/denied/);
    }
    await (await asService(engine, entry)).close();
  });
});

describe.each(["16", "17"] as const)("a service on PostgreSQL %s, as it is configured", (version) => {
  let engine: PostgresEngine;

  beforeAll(async () => {
    const { settings } = parsePostgres(postgresConfig({ ...sizes, ...TLS.postgres }));
    const declared = settingsOf(settings, /^(shared_preload_libraries|password_encryption)$/);
    // The others need settings of their own and have nothing to do with passwords.
    const loaded = String(declared.shared_preload_libraries)
      .split(",")
      .filter((name) => name === "passwordcheck");
    engine = await startPostgres(version, {
      settings: { ...declared, shared_preload_libraries: loaded.join() },
    });
    const admin = await connect(engine.admin.user, engine.admin.password);
    await admin.query(`CREATE ROLE svc_idp LOGIN PASSWORD '${SERVICE_PASSWORD}'`);
    await admin.close();
  });
  afterAll(() => engine?.stop());

  const connect = (user: string, password: string) =>
    connectPostgres(
      engine,
      { caCertificate: engine.caCertificate },
      { user, password, database: "postgres" },
    );

  it.each(["x", "svc_idp", ""])("does not give itself a short password: '%s'", async (password) => {
    const service = await connect("svc_idp", SERVICE_PASSWORD);
    await expect(service.query(`ALTER ROLE svc_idp PASSWORD '${password}'`)).rejects.toThrow(/password/);
    await service.close();
    await (await connect("svc_idp", SERVICE_PASSWORD)).close();
  });
});
