import type { RowSecurityDeclaration } from "../../estate/row-security/types";
import type { SchemaOwner } from "../../estate/types";
import { quoteIdentifier, quoteString } from "../../text/postgres";
import { must, mustNot, mustNotFind, outside, type PostgresProbe, REFUSED } from "./postgres-probe";
import type { Probe } from "./probe";
import { allRights, declaredRights, rowSecurityProbes, tableProbes, takenRoles } from "./row-security-probes";

/** Who is probed on PostgreSQL and what is around it. */
export interface PostgresSubject {
  database: string;
  /** The login slot. */
  slot: string;
  /** The role that the slot works as. */
  service: string;
  /** Owner of the tables. */
  owner: string;
  profile: SchemaOwner;
  extensions: readonly string[];
  /** Databases on the same server, `postgres` and `template1` included, and the services in them. */
  otherDatabases: readonly string[];
  otherServices: readonly string[];
  admin: string;
  /** Existing tables of the owner that a service of profile `program` works on, with a column that can be written. */
  tables: readonly { schema: string; table: string; column: string }[];
  /** undefined: the service has all rows of those tables. */
  rowSecurity?: RowSecurityDeclaration | undefined;
}

/** Everything tried inside the service's own database. Each runs in a transaction that is rolled back. */
export function postgresProbes(subject: PostgresSubject): PostgresProbe[] {
  return [
    ...(subject.profile === "application" ? application : program(subject)),
    ...attributes(subject),
    ...server,
    ...otherRoles(subject),
    ...grantingOn(subject),
    ...databases(subject),
  ];
}

/** Logging in elsewhere. 28000: pg_hba.conf, 42501: no CONNECT. */
export function loginProbe(database: string): Probe {
  return { title: `log in to database ${database}`, expected: "refused", refusedBy: ["28000", "42501"] };
}

const application: PostgresProbe[] = [
  must(
    "create, fill, read, change and drop a table of its own",
    "CREATE TABLE estate_check (id int PRIMARY KEY, word text)",
    "INSERT INTO estate_check VALUES (1, 'a')",
    "UPDATE estate_check SET word = 'b' WHERE id = 1",
    "SELECT word FROM estate_check",
    "ALTER TABLE estate_check ADD COLUMN more int",
    "CREATE INDEX ON estate_check (word)",
    "DELETE FROM estate_check",
    "DROP TABLE estate_check",
  ),
  must("create a view", "CREATE VIEW estate_check AS SELECT 1 AS one"),
  must("create a temporary table", "CREATE TEMPORARY TABLE estate_check (id int)"),
];

function program({ tables, owner, rowSecurity }: PostgresSubject): PostgresProbe[] {
  return [
    mustNot("create a table", "CREATE TABLE estate_check (id int)"),
    mustNot("create a table in schema public", "CREATE TABLE public.estate_check (id int)"),
    mustNot("create a temporary table", "CREATE TEMPORARY TABLE estate_check (id int)"),
    mustNot("create a schema", "CREATE SCHEMA estate_check"),
    mustNot(
      "create a function",
      "CREATE FUNCTION public.estate_check() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    mustNot("work as the owner of its tables", `SET ROLE ${quoteIdentifier(owner)}`),
    ...tables.flatMap(({ schema, table, column }) => {
      const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
      const rights = rowSecurity ? declaredRights(rowSecurity, table, column) : allRights(column);
      return [
        ...tableProbes(schema, table, rights, column),
        mustNot(`alter ${schema}.${table}`, `ALTER TABLE ${name} ADD COLUMN estate_check int`),
        mustNot(`drop ${schema}.${table}`, `DROP TABLE ${name} CASCADE`),
        mustNot(`truncate ${schema}.${table}`, `TRUNCATE ${name} CASCADE`),
        mustNot(
          `switch row security of ${schema}.${table} off`,
          `ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY`,
        ),
      ];
    }),
    ...(rowSecurity ? rowSecurityProbes(rowSecurity) : []),
  ];
}

function attributes({
  slot,
  service,
  owner,
  extensions,
  profile,
  rowSecurity,
}: PostgresSubject): PostgresProbe[] {
  const own = [slot, service, owner].map(quoteString).join(", ");
  const declared = ["plpgsql", ...extensions].map(quoteString).join(", ");
  // The server counts the owner of a database among these.
  const ownership = profile === "application" ? "AND rolname <> 'pg_database_owner'" : "";
  const identities = rowSecurity ? takenRoles(rowSecurity).map(quoteString) : [];
  const taken = identities.length > 0 ? `AND rolname NOT IN (${identities.join(", ")})` : "";
  return [
    mustNotFind(
      "be superuser, CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS",
      `SELECT rolname || ' is ' || attribute AS finding FROM pg_roles, LATERAL (VALUES ('superuser', rolsuper),
         ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb), ('REPLICATION', rolreplication),
         ('BYPASSRLS', rolbypassrls)) AS held (attribute, yes) WHERE yes AND rolname IN (${own}) ORDER BY 1`,
    ),
    mustNotFind(
      "be a member of any role but its service",
      `SELECT rolname AS finding FROM pg_roles WHERE rolname NOT IN (session_user, current_user) ${ownership} ${taken}
         AND (pg_has_role(session_user, oid, 'MEMBER') OR pg_has_role(current_user, oid, 'MEMBER')) ORDER BY 1`,
    ),
    mustNotFind(
      "read tables that are not its own nor its owner's",
      `SELECT c.oid::regclass::text AS finding FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
         AND pg_get_userbyid(c.relowner) NOT IN (${own})
         AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`,
    ),
    mustNotFind(
      "use extensions that are not declared (dblink and file_fdw lead out of the database)",
      `SELECT extname AS finding FROM pg_extension WHERE extname NOT IN (${declared}) ORDER BY 1`,
    ),
    mustNotFind(
      "see what others' sessions run",
      `SELECT DISTINCT usename AS finding FROM pg_stat_activity WHERE usename NOT IN (session_user, current_user)
         AND query NOT IN ('', '<insufficient privilege>') ORDER BY 1`,
    ),
  ];
}

const server: PostgresProbe[] = [
  mustNot("create a role", "CREATE ROLE estate_check"),
  outside(mustNot("create a database", "CREATE DATABASE estate_check TEMPLATE estate_check_absent", "3D000")),
  outside(mustNot("change the server's settings", "ALTER SYSTEM SET work_mem = 'no size at all'", "22023")),
  mustNot("reload the server's settings", "SELECT pg_reload_conf()"),
  // A program that ends before it has read its line would break the pipe, now and then.
  mustNot("run a program on the host", "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'"),
  mustNot("read a file of the host by COPY", "COPY estate_check_absent FROM '/etc/passwd'", "42P01"),
  mustNot("write a file of the host by COPY", "COPY (SELECT 1) TO '/dev/null'"),
  mustNot("read a file of the host by pg_read_file", "SELECT length(pg_read_file('/etc/passwd'))", "58P01"),
  mustNot("list a directory of the host", "SELECT count(*) FROM pg_ls_dir('.')"),
  mustNot("import a file of the host as a large object", "SELECT lo_import('/dev/null')"),
  mustNot("read password verifiers in pg_authid", "SELECT rolpassword FROM pg_authid LIMIT 1"),
  mustNot("read password verifiers in pg_shadow", "SELECT passwd FROM pg_shadow LIMIT 1"),
  mustNot("read pg_hba.conf", "SELECT count(*) FROM pg_hba_file_rules"),
  // 0A000, 58P01: the package is not on the host at all.
  {
    ...mustNot("create extension file_fdw", "CREATE EXTENSION file_fdw"),
    refusedBy: [...REFUSED, "0A000", "58P01"],
  },
  {
    ...mustNot("create extension dblink", "CREATE EXTENSION dblink"),
    refusedBy: [...REFUSED, "0A000", "58P01"],
  },
  mustNot("create a foreign data wrapper", "CREATE FOREIGN DATA WRAPPER estate_check"),
  mustNot(
    "create a function in C",
    "CREATE FUNCTION estate_check() RETURNS int LANGUAGE c AS 'absent'",
    "58P01",
  ),
  mustNot(
    "create an event trigger",
    "CREATE EVENT TRIGGER estate_check ON ddl_command_start EXECUTE FUNCTION estate_check_absent()",
    "42883",
  ),
];

function otherRoles({ otherServices, admin }: PostgresSubject): PostgresProbe[] {
  return [
    ...[...otherServices, admin, "postgres"].map((role) =>
      mustNot(`work as ${role}`, `SET ROLE ${quoteIdentifier(role)}`),
    ),
    mustNot(`become ${admin} altogether`, `SET SESSION AUTHORIZATION ${quoteIdentifier(admin)}`),
  ];
}

/**
 * Granting on. An owner can always grant on what it owns, so `application` services can; whom they grant to gains nothing
 * without a way into the database, which the login probes of every other service show to be shut.
 */
function grantingOn({ database, service, otherServices, profile, tables }: PostgresSubject): PostgresProbe[] {
  const [other] = otherServices;
  if (other === undefined) return [];
  const to = quoteIdentifier(other);
  const probes = [
    mustNot(`make ${other} a member of its role`, `GRANT ${quoteIdentifier(service)} TO ${to}`),
    mustNot("grant the right to read files", `GRANT pg_read_server_files TO ${quoteIdentifier(service)}`),
  ];
  if (profile === "application") return probes;
  const granted = "AND has_database_privilege";
  return [
    ...probes,
    // Who holds a right without its grant option gets a warning and no error: what counts is what stands afterwards.
    mustNotFind(
      "let others into its database",
      `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${to}`,
      `SELECT ${quoteString(other)} AS finding WHERE true ${granted}(${quoteString(other)}, current_database(), 'CONNECT')`,
    ),
    ...tables.map(({ schema, table }) => {
      const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
      return mustNotFind(
        `grant ${schema}.${table} on`,
        `GRANT SELECT ON ${name} TO ${to}`,
        `SELECT ${quoteString(other)} AS finding WHERE has_table_privilege(${quoteString(other)}, ${quoteString(name)}, 'SELECT')`,
      );
    }),
  ];
}

function databases({ otherDatabases }: PostgresSubject): PostgresProbe[] {
  return [
    mustNotFind(
      "connect to another database by its grants",
      `SELECT datname AS finding FROM pg_database WHERE datallowconn AND datname <> current_database()
         AND (has_database_privilege(session_user, oid, 'CONNECT') OR has_database_privilege(current_user, oid, 'CONNECT'))
         ORDER BY 1`,
    ),
    ...otherDatabases
      .slice(0, 1)
      .map((database) =>
        mustNot(
          `grant on database ${database}`,
          `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO PUBLIC`,
        ),
      ),
    mustNotFind(
      "use what PUBLIC holds on a database",
      `SELECT 'PUBLIC has ' || privilege_type || ' on ' || datname AS finding
         FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
         WHERE grantee = 0 AND datallowconn ORDER BY 1`,
    ),
    mustNotFind(
      "use what PUBLIC holds on a schema",
      `SELECT 'PUBLIC has ' || privilege_type || ' on schema ' || nspname AS finding
         FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
         WHERE grantee = 0 AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
    ),
  ];
}
