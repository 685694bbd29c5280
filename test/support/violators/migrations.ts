import * as right from "./right";
import { of, type Violator } from "./types";

const { up, upMariadb } = right;
const body = (sql: string) => `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ${sql} END $$;`;
const definer = (settings: string) =>
  up(`CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER ${settings} AS 'SELECT 1';`);
const PINNED = "SET search_path = public, pg_temp";

/** What a migration does by a way that is easily overlooked: nested, along with something else, or where others' things lie. */
export const migrations: Violator[] = [
  ...of("migration-judgeable", right.migrations, {
    "a schema of the context": up("CREATE SCHEMA context;"),
    "a schema of the catalogue": up("CREATE SCHEMA IF NOT EXISTS information_schema;"),
    "a schema for another owner": up("CREATE SCHEMA s AUTHORIZATION estate_admin;"),
    "a function of the context": up(
      "CREATE OR REPLACE FUNCTION context.tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';",
    ),
    "the context goes": up("DROP SCHEMA context;"),
    "a function of the context goes": up("DROP FUNCTION context.tenant();"),
    "the keys of the context": up(body("PERFORM 1 FROM context.keys;")),
    "the keys are written": up("DELETE FROM context.keys;"),
    "the history": up("INSERT INTO estate.migration_history VALUES (1);"),
    "a job of the server": up("INSERT INTO cron.job (schedule, command) VALUES ('* * * * *', 'x');"),
    "the catalogue": up("UPDATE pg_catalog.pg_class SET relrowsecurity = false;"),
    "a setting by a table": up("UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security';"),
    "a setting by a table in a query": up(
      "WITH a AS (UPDATE pg_settings SET setting = 'x' RETURNING 1) SELECT * FROM a;",
    ),
    "what hangs on a column": up("ALTER TABLE users DROP COLUMN team_id CASCADE;"),
    "what hangs on a function": up("DROP FUNCTION refuse() CASCADE;"),
    "what hangs on a table": up("TRUNCATE users CASCADE;"),
    "a setting of a function": definer(`${PINNED} SET row_security = off`),
    "names of the context": definer("SET search_path = context, pg_temp"),
    "a role of a function": definer(`${PINNED} SET role = 'ncy8_member'`),
    "a context of a function": definer(`${PINNED} SET "app.context" = 'x'`),
    "an end within": up("DO $$ BEGIN COMMIT; END $$;"),
    "an end within a procedure": up("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$;"),
    "a wait": up("SELECT pg_sleep(100000);"),
    "the lock of the run": up("SELECT pg_advisory_unlock_all();"),
    "another's rows": upMariadb("INSERT INTO mo_crm.donors VALUES (1);"),
    "another's rows in blanks": upMariadb("INSERT INTO `mo_crm` . `donors` VALUES (1);"),
    "another's rows by a join": upMariadb("UPDATE a JOIN mo_crm.donors d ON d.id = a.id SET a.b = d.b;"),
    "another's rows beside one's own": upMariadb("DELETE a FROM a, mo_crm.donors;"),
    "another's rows under their own name": upMariadb("INSERT INTO a SELECT mo_crm.donors.id FROM a;"),
    "another's rows behind a name of that name": upMariadb(
      "INSERT INTO a SELECT id AS mo_crm FROM mo_crm.donors;",
    ),
    "another's rows in a trigger": upMariadb(
      "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW DELETE FROM mo_crm.donors;",
    ),
    "another's table": upMariadb("ALTER TABLE a RENAME TO mo_crm.a;"),
    "another's table by a key": upMariadb(
      "CREATE TABLE IF NOT EXISTS a (b int REFERENCES mo_crm.donors (id)) ENGINE = InnoDB;",
    ),
    "another's rows beside an alias of their name": upMariadb(
      "INSERT INTO a SELECT b.id FROM b AS mo_crm, mo_crm.donors;",
    ),
    "another's rows in parentheses": upMariadb(
      "INSERT INTO a SELECT mo_crm.id FROM (b mo_crm, mo_crm.donors);",
    ),
    "another's rows without INTO": upMariadb("INSERT IGNORE mo_crm.donors SELECT 1 AS mo_crm;"),
    "another's rows by a row that is there": upMariadb(
      "INSERT INTO a SELECT d.id FROM b d ON DUPLICATE KEY UPDATE n = (SELECT 1 FROM mo_crm.donors);",
    ),
    "another's table for a trigger": upMariadb(
      "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON mo_crm.donors FOR EACH ROW SET @mo_crm = 1;",
    ),
    "another's table for a trigger with its name": upMariadb(
      "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON mo_crm.donors FOR EACH ROW INSERT INTO a SELECT 1 AS mo_crm;",
    ),
    "another's sequence": upMariadb("SELECT NEXTVAL(mo_crm.numbers);"),
    "another's function behind its name": upMariadb("SELECT a AS mo_crm, mo_crm.secret(1) FROM b;"),
    "another's form of a table": upMariadb("CREATE TABLE IF NOT EXISTS mo_crm LIKE mo_crm.donors;"),
    "another's function": upMariadb("INSERT INTO a VALUES (mo_crm.secret());"),
    "another's routine": upMariadb("SELECT a FROM b WHERE c = mo_crm.f(1);"),
    "an engine in quotes": upMariadb("CREATE TABLE IF NOT EXISTS a (b int) ENGINE='SPIDER';"),
    "an engine of files": upMariadb("ALTER TABLE a ENGINE CSV;"),
    "another server": upMariadb(
      "CREATE TABLE IF NOT EXISTS a (b int) ENGINE = InnoDB CONNECTION = 'mysql://evil.test';",
    ),
    "rows from a file": upMariadb("ALTER TABLE a IMPORT TABLESPACE;"),
    "the history on MariaDB": upMariadb("DELETE FROM `migration_history`;"),
    "the lock of the run on MariaDB": upMariadb("SELECT RELEASE_ALL_LOCKS();"),
    "a wait on MariaDB": upMariadb("SELECT SLEEP(10000);"),
    "a plugin's function": upMariadb("SELECT sys_exec('id');"),
    "an executable comment in another": upMariadb("/* a /*! ; */ */ SELECT 1;"),
  }),
  ...of("migration-grants-nothing", right.migrations, {
    "with a schema": up("CREATE SCHEMA s CREATE TABLE t (a int) GRANT SELECT ON t TO PUBLIC;"),
  }),
  ...of("view-invoker-rights", right.migrations, {
    "with a schema": up("CREATE SCHEMA s CREATE VIEW v AS SELECT * FROM public.users;"),
  }),
  ...of("security-definer-pinned", right.migrations, {
    "two schemas in one name": definer("SET search_path = 'public, pg_temp'"),
  }),
  ...of("migration-row-security-kept", right.migrations, {
    "a trigger goes": up("DROP TRIGGER refuse_own_role ON users;"),
    "the trigger of the context goes back": {
      migrations: { "0001_a": { up: "SELECT 1;", down: "DROP TRIGGER context_hold ON users;" } },
    },
    "a trigger of the context": up(
      "CREATE OR REPLACE TRIGGER context_hold BEFORE UPDATE ON users EXECUTE FUNCTION f();",
    ),
  }),
  ...of("migration-row-security-kept", right.migrations, {
    "a trigger goes for no reason": up("DROP TRIGGER touch ON users;"),
  }).map((one) => ({
    ...one,
    config: { "migration-row-security-kept": { dropped: { "users.touch": "x" } } },
  })),
];
