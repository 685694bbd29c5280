import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { FaultyEstate } from "../../../estate/faults";
import {
  checkMigrations,
  readAllMigrations,
  readMigrations,
  type SqlFiles,
} from "../../../estate/migrations/read";
import type { Engine } from "../../../estate/types";
import { projectDirectory } from "../../support/run";

const sound = {
  "0001_users.up.sql": "CREATE TABLE IF NOT EXISTS users (id int);\n",
  "0001_users.down.sql": "DROP TABLE IF EXISTS users;\n",
};

function faults(files: SqlFiles, engine: Engine = "postgres"): string[] {
  try {
    checkMigrations({ name: "db", engine }, files);
    return [];
  } catch (error) {
    if (error instanceof FaultyEstate) return error.faults.map(({ path, fix }) => `${path}: ${fix}`);
    throw error;
  }
}
/** Faults of one statement in an otherwise sound set. */
const faultsOf = (sql: string, engine: Engine, first = "") =>
  faults({ ...sound, "0002_x.up.sql": `${first}${sql}\n`, "0002_x.down.sql": "SELECT 1;\n" }, engine);

describe("the files of a database", () => {
  it("are numbered pairs, in order, with the schema they make", () => {
    const set = checkMigrations({ name: "db", engine: "postgres" }, { ...sound, "schema.sql": "CREATE ..." });
    expect(set).toMatchObject({
      database: "db",
      schema: "CREATE ...",
      migrations: [
        {
          id: "0001_users",
          version: 1,
          name: "users",
          up: { source: "sql/db/0001_users.up.sql", transactional: true },
        },
      ],
    });
    expect(set.migrations[0]?.up.checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  it("have all their faults shown at once", () => {
    expect(
      faults({
        ...sound,
        "0002_no_down.up.sql": "SELECT 1;\n",
        "0004_gap.up.sql": "SELECT 1;\n",
        "0004_gap.down.sql": "\n-- nothing\n",
        "0004_twice.up.sql": "SELECT 1;\n",
        "0004_twice.down.sql": "SELECT 'open\n",
        "5_short.up.sql": "SELECT 1;\n",
        "0006_Upper.up.sql": "SELECT 1;\n",
        "notes.txt": "",
      }),
    ).toEqual([
      "sql/db/0004_gap.down.sql: holds no statement: write what the step does",
      "sql/db/0004_twice.down.sql:1: a string that begins here never ends",
      expect.stringMatching(/^sql\/db\/5_short\.up\.sql: name it NNNN_name\.up\.sql/),
      expect.stringMatching(/^sql\/db\/0006_Upper\.up\.sql: name it/),
      expect.stringMatching(/^sql\/db\/notes\.txt: name it/),
      "sql/db/0002_no_down.down.sql: every up has a down: write it",
      "sql/db: the same version twice: give the newer one the next number",
      "sql/db: version 3 is missing before it: versions go on without gaps",
    ]);
  });

  it("have to be there where the program owns the schema", () => {
    expect(faults({})).toEqual([
      "sql/db: the program owns the schema: write 0001_<name>.up.sql and .down.sql",
    ]);
  });

  it("do not change their checksum with the line ends of an editor", () => {
    const checksum = (text: string) =>
      checkMigrations({ name: "db", engine: "postgres" }, { ...sound, "0001_users.up.sql": text })
        .migrations[0]?.up.checksum;
    expect(checksum("SELECT 1;\r\nSELECT 2;\r\n")).toBe(checksum("SELECT 1;\nSELECT 2;\n"));
    expect(checksum("SELECT 1;\n")).not.toBe(checksum("SELECT 2;\n"));
  });
});

describe("what a migration may not hold", () => {
  it.each<[string, RegExp]>([
    ["BEGIN;", /the transaction is this program's/],
    ["COMMIT;", /the transaction is this program's/],
    ["SAVEPOINT a;", /the transaction is this program's/],
    ["SET ROLE postgres;", /runs as the database's owner/],
    ["SET LOCAL ROLE x;", /runs as the database's owner/],
    ["reset role;", /runs as the database's owner/],
    ["SET SESSION AUTHORIZATION x;", /runs as the database's owner/],
    ["GRANT SELECT ON users TO svc_x;", /declared, not migrated/],
    ["REVOKE ALL ON users FROM PUBLIC;", /declared, not migrated/],
    ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x;", /declared, not migrated/],
    ["CREATE ROLE x;", /declared, not migrated/],
    ["CREATE EXTENSION pgcrypto;", /the catalogue declares/],
    ["CREATE POLICY p ON users USING (true);", /row-level security is declared/],
    ["ALTER TABLE users ENABLE ROW LEVEL SECURITY;", /row-level security is declared/],
    ["ALTER TABLE users FORCE ROW LEVEL SECURITY;", /row-level security is declared/],
    ["ALTER SYSTEM SET fsync = off;", /declared with the server/],
    ["COPY users FROM STDIN;", /write the rows as INSERT/],
    ["COPY users FROM PROGRAM 'ls';", /write the rows as INSERT/],
    ["CREATE INDEX CONCURRENTLY a ON users (id);", /cannot run in a transaction: give it a file of its own/],
    ["VACUUM users;", /cannot run in a transaction/],
  ])("PostgreSQL: %s", (sql, fix) => {
    expect(faultsOf(sql, "postgres")).toEqual([expect.stringMatching(fix)]);
    expect(faultsOf(sql, "postgres")[0]).toMatch(/^sql\/db\/0002_x\.up\.sql:1: /);
  });

  it.each([
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;",
    "COMMENT ON TABLE users IS 'GRANT nothing; SET ROLE x';",
    "ALTER TABLE users ALTER COLUMN id SET DEFAULT 1;",
    "SET LOCAL work_mem = '64MB';",
  ])("PostgreSQL lets stand: %s", (sql) => {
    expect(faultsOf(sql, "postgres")).toEqual([]);
  });

  it.each<[string, string, RegExp | undefined]>([
    ["CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON users (id);", "-- estate: no-transaction\n", undefined],
    ["CREATE INDEX CONCURRENTLY a ON users (id);", "-- estate: no-transaction\n", /:2: .*add IF NOT EXISTS/],
    ["DROP INDEX CONCURRENTLY a;", "-- estate: no-transaction\n", /:2: .*IF EXISTS to a DROP/],
    ["SET work_mem = '1GB';", "-- estate: no-transaction\n", /:2: .*holds for the session alone/],
    ["CREATE TEMP TABLE a (id int);", "-- estate: no-transaction\n", /:2: .*holds for the session alone/],
    [
      "SELECT set_config('a.b', '', false);",
      "-- estate: no-transaction\n",
      /:2: .*holds for the session alone/,
    ],
    ["SELECT 1;", "\n-- estate: no-transaction\n", /:2: a directive is the first line of its file/],
    [
      "SELECT 1;",
      "-- estate: no-transactions\n",
      /"-- estate: no-transactions" is unknown; there is: no-transaction/,
    ],
  ])("PostgreSQL, outside a transaction: %s after %j", (sql, first, fix) => {
    expect(faultsOf(sql, "postgres", first)).toEqual(fix ? [expect.stringMatching(fix)] : []);
  });

  it.each<[string, RegExp]>([
    ["START TRANSACTION;", /commits by itself/],
    ["SET autocommit = 0;", /commits by itself/],
    ["LOCK TABLES users WRITE;", /leave it out/],
    ["GRANT SELECT ON users TO x;", /declared, not migrated/],
    ["CREATE USER x;", /declared, not migrated/],
    ["USE other;", /a migration stays in its own/],
    ["DROP DATABASE other;", /a migration stays in its own/],
    ["CREATE TABLE a (id int);", /CREATE TABLE IF NOT EXISTS/],
    ["CREATE OR REPLACE TABLE a (id int);", /drops the rows that are there/],
    ["CREATE UNIQUE INDEX a ON users (id);", /CREATE INDEX IF NOT EXISTS/],
    ["CREATE VIEW a AS SELECT 1;", /CREATE OR REPLACE/],
    [
      "CREATE OR REPLACE DEFINER = root@localhost TRIGGER a BEFORE INSERT ON users FOR EACH ROW SET @a = 1;",
      /leave DEFINER out/,
    ],
    ["DROP TABLE users;", /DROP ... IF EXISTS/],
    ["RENAME TABLE a TO b;", /RENAME TABLE IF EXISTS/],
    ["ALTER TABLE users ADD COLUMN a int;", /ADD ... IF NOT EXISTS/],
    [
      "ALTER TABLE users ADD COLUMN IF NOT EXISTS a int DEFAULT (f(1, 2)), ADD KEY b (a);",
      /ADD ... IF NOT EXISTS/,
    ],
    ["ALTER TABLE users DROP COLUMN a;", /DROP ... IF EXISTS/],
    ["LOAD DATA INFILE 'x' INTO TABLE users;", /write the rows as INSERT/],
  ])("MariaDB: %s", (sql, fix) => {
    expect(faultsOf(sql, "mariadb")).toEqual([expect.stringMatching(fix)]);
  });

  it.each([
    "ALTER TABLE users ADD COLUMN IF NOT EXISTS a int, DROP COLUMN IF EXISTS b, MODIFY c bigint, ALTER d DROP DEFAULT;",
    "ALTER TABLE users DROP PRIMARY KEY;",
    "CREATE OR REPLACE VIEW a AS SELECT 1;",
    "INSERT INTO users VALUES (1);",
  ])("MariaDB lets stand: %s", (sql) => {
    expect(faultsOf(sql, "mariadb")).toEqual([]);
  });

  it("MariaDB has no transactions to leave", () => {
    expect(faultsOf("SELECT 1;", "mariadb", "-- estate: no-transaction\n")).toEqual([
      expect.stringMatching(/leave the directive out/),
    ]);
  });
});

describe("the project's folders", () => {
  it("are sound, one for each database whose schema the program owns, and for no other", () => {
    const owned = databases.filter(({ schema }) => schema.owner === "program").map(({ name }) => name);
    expect(Object.keys(readAllMigrations(databases, projectDirectory)).sort()).toEqual(owned.sort());
  });

  it("what is no file of a text, or cannot be read, is a fault of its own and no missing file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "estate-sql-"));
    const own = {
      name: "db",
      engine: "postgres" as const,
      schema: { owner: "program" as const, reason: "ours" },
    };
    const folder = join(directory, "sql/db");
    try {
      await mkdir(folder, { recursive: true });
      for (const [name, text] of Object.entries(sound)) await writeFile(join(folder, name), text);
      await symlink("0001_users.up.sql", join(folder, "0002_link.up.sql"));
      await mkdir(join(folder, "0002_link.down.sql"));
      await writeFile(Buffer.from(`${folder}/0003_\xff.up.sql`, "latin1"), "SELECT 1;");
      await writeFile(join(folder, "0003_large.up.sql"), "SELECT 1;");
      await truncate(join(folder, "0003_large.up.sql"), 600 << 20);
      await writeFile(join(folder, "0003_large.down.sql"), "SELECT 1;\n");
      const read = () => {
        try {
          return readMigrations(own, directory);
        } catch (error) {
          if (error instanceof FaultyEstate) return error.faults.map(({ path, fix }) => `${path}: ${fix}`);
          throw error;
        }
      };
      expect(read()).toEqual([
        "sql/db/0002_link.down.sql: is a folder: put the file itself here",
        "sql/db/0002_link.up.sql: is a symbolic link: put the file itself here",
        expect.stringMatching(/^sql\/db\/0003_large\.up\.sql: has 629145600 bytes, and a migration at most/),
        expect.stringMatching(/^sql\/db\/0003_.*: name it NNNN_name/),
      ]);
      await rm(folder, { recursive: true });
      await writeFile(folder, "SELECT 1;");
      expect(read()).toEqual(["sql/db: is no folder: the files stand in a folder of this name"]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("a folder of no database is a fault, whatever it holds", async () => {
    const directory = await mkdtemp(join(tmpdir(), "estate-sql-"));
    try {
      await mkdir(join(directory, "sql/mcp_portl"), { recursive: true });
      expect(() => readAllMigrations([], directory)).toThrow(
        /1 fault\n {2}sql\/mcp_portl is "mcp_portl": no entry of the catalogue has this name/,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("a folder of an application's database is a fault that says both ways out, together with all other faults", async () => {
    const directory = await mkdtemp(join(tmpdir(), "estate-sql-"));
    try {
      await mkdir(join(directory, "sql/mo_idp"), { recursive: true });
      await writeFile(join(directory, "sql/mo_idp/0001_x.up.sql"), "");
      const idp = {
        name: "mo_idp",
        engine: "postgres" as const,
        schema: { owner: "application" as const, reason: "Keycloak" },
      };
      const own = {
        name: "db",
        engine: "postgres" as const,
        schema: { owner: "program" as const, reason: "ours" },
      };
      expect(() => readMigrations(idp, directory)).toThrow(
        /the application owns the schema \(Keycloak\): remove the folder, or say schema.owner: "program"/,
      );
      expect(() => readAllMigrations([idp, own], directory)).toThrow(/2 faults/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
