import { describe, expect, test } from "vitest";
import { checkConfig, serverConfig } from "../../../toolchain/plugins/postgresql/config";
import * as database from "../../../toolchain/plugins/postgresql/database";
import * as extension from "../../../toolchain/plugins/postgresql/extension";
import * as role from "../../../toolchain/plugins/postgresql/role";
import * as schema from "../../../toolchain/plugins/postgresql/schema";

const properties = (failures: readonly { property: string }[]) => failures.map(({ property }) => property);

describe("PostgreSQL configuration", () => {
  test("takes what the real package sends, and the environment for the rest", () => {
    const sent = { host: "db", port: "6432", connectTimeout: "15", sslmode: "verify-full" };
    expect(checkConfig(sent, {})).toEqual({
      inputs: { ...sent, port: 6432, connectTimeout: 15 },
      failures: [],
    });
    expect(serverConfig(sent, { PGUSER: "root", PGPASSWORD: "p" })).toMatchObject({
      port: 6432,
      username: "root",
      password: "p",
      database: "postgres",
      connectTimeout: 15,
      maxConnections: 20,
    });
    expect(checkConfig({}, { PGHOST: "db", PGSSLMODE: "verify-full" }).failures).toEqual([]);
  });

  test("refuses to go unverified, and what it lacks", () => {
    expect(properties(checkConfig({ host: "db" }, {}).failures)).toEqual(["sslmode"]);
    for (const sslmode of ["require", "disable", "prefer"]) {
      expect(properties(checkConfig({ host: "db", sslmode }, {}).failures)).toEqual(["sslmode"]);
    }
    const news = { sslmode: "verify-full", clientcert: "{}", awsRdsIamAuth: "true" };
    expect(properties(checkConfig(news, {}).failures)).toEqual(["clientcert", "awsRdsIamAuth", "host"]);
  });
});

describe("PostgreSQL statements", () => {
  const inputs = { name: 'a"b', connectionLimit: -1, allowConnections: true };

  test("a database has the real plugin's defaults, and every name is quoted", () => {
    expect(database.createStatement(inputs, "admin")).toBe(
      'CREATE DATABASE "a""b" OWNER "admin" TEMPLATE "template0" ENCODING \'UTF8\' ALLOW_CONNECTIONS true ' +
        "CONNECTION LIMIT -1 IS_TEMPLATE false",
    );
    const all = {
      ...inputs,
      owner: "o",
      template: "t",
      encoding: "E'",
      lcCollate: "C",
      lcCtype: "D",
      tablespaceName: "s",
    };
    expect(database.createStatement(all, "admin")).toBe(
      "CREATE DATABASE \"a\"\"b\" OWNER \"o\" TEMPLATE \"t\" ENCODING 'E''' LC_COLLATE 'C' LC_CTYPE 'D' " +
        'TABLESPACE "s" ALLOW_CONNECTIONS true CONNECTION LIMIT -1 IS_TEMPLATE false',
    );
  });

  test("DEFAULT is refused: it would read back as another value", () => {
    const news = { name: "a", owner: "default", encoding: "DEFAULT", lcCollate: "DEFAULT" };
    const { failures } = database.database.check(news, undefined, { urn: "urn" });
    expect(properties(failures)).toEqual(["owner", "encoding", "lcCollate"]);
  });

  test("only what changed is altered, the name first", () => {
    expect(
      database.alterStatements(inputs, { ...inputs, name: "c", owner: "o", connectionLimit: 3 }),
    ).toEqual([
      'ALTER DATABASE "a""b" RENAME TO "c"',
      'ALTER DATABASE "c" OWNER TO "o"',
      'ALTER DATABASE "c" CONNECTION LIMIT 3',
    ]);
    expect(database.alterStatements(inputs, inputs)).toEqual([]);
  });

  test("a role is made with everything spelled out", () => {
    const made = role.role.check({ name: "r", createDatabase: true }, undefined, { urn: "urn" })
      .inputs as unknown;
    expect(role.createStatement(made as role.RoleInputs)).toBe(
      'CREATE ROLE "r" WITH NOLOGIN NOSUPERUSER CREATEDB NOCREATEROLE INHERIT NOREPLICATION NOBYPASSRLS ' +
        "CONNECTION LIMIT -1 VALID UNTIL 'infinity'",
    );
  });

  test("a role takes no password in any form", () => {
    const news = { name: "r", password: "p", passwordWo: "p", encryptedPassword: true };
    const { failures } = role.role.check(news, undefined, { urn: "urn" });
    expect(properties(failures)).toEqual(["password", "passwordWo", "encryptedPassword"]);
    expect(JSON.stringify(failures)).not.toContain('"p"');
  });

  test("memberships are a set", () => {
    const sorted = role.role.check({ name: "r", roles: ["b", "a", "b"] }, undefined, { urn: "urn" }).inputs;
    expect(sorted.roles).toEqual(["a", "b"]);
  });

  test("a role's settings are read with and without units", () => {
    const config = [
      'search_path="$user", app',
      "statement_timeout=1min",
      "idle_in_transaction_session_timeout=50",
      "role=o",
    ];
    expect(role.readSettings(config)).toEqual({
      searchPaths: ["$user", "app"],
      statementTimeout: 60_000,
      idleInTransactionSessionTimeout: 50,
      assumeRole: "o",
    });
  });

  test("schema and extension", () => {
    const made = { name: "s", ifNotExists: true, dropCascade: false, owner: "o" };
    expect(schema.createStatements(made, undefined)).toEqual([
      'CREATE SCHEMA IF NOT EXISTS "s" AUTHORIZATION "o"',
    ]);
    expect(schema.createStatements(made, { ...made, owner: "x" })).toEqual(['ALTER SCHEMA "s" OWNER TO "o"']);
    expect(schema.createStatements(made, made)).toEqual([]);
    expect(schema.createStatements({ ...made, ifNotExists: false }, made)).toEqual([
      'CREATE SCHEMA "s" AUTHORIZATION "o"',
    ]);
    expect(
      extension.createStatement({
        name: "e",
        schema: "s",
        version: "1",
        createCascade: true,
        dropCascade: false,
      }),
    ).toBe('CREATE EXTENSION IF NOT EXISTS "e" SCHEMA "s" VERSION "1" CASCADE');
  });

  test("a wrong id for an import says the right form", async () => {
    const call = { config: undefined as never, urn: "urn", signal: new AbortController().signal };
    await expect(extension.extension.read(call, "pgcrypto", undefined)).rejects.toThrow("database.extension");
    await expect(schema.schema.read(call, "a.b.c", undefined)).rejects.toThrow("database.schema");
  });
});
