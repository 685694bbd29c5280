import type { MariadbEntry } from "../../estate/types";
import { HISTORY } from "../../migrate/mariadb-history";
import type { MariadbGrant } from "../../provider/resources";
import { databasePattern, quoteIdentifier, quoteString } from "../../text/mariadb";
import type { SqlProbe } from "./probe";

/** Who is probed on MariaDB and what is around it. */
export interface MariadbSubject {
  entry: Pick<MariadbEntry, "name" | "schema">;
  /** Everything that is declared for it. */
  grants: readonly MariadbGrant[];
  /** Databases of other services on the same server. */
  otherDatabases: readonly string[];
  /** Whether this project configures the server; on the web host it only connects. */
  provisioned: boolean;
  /** Name of a table that does not exist; DDL commits at once, so the scratch table needs a name of its own. */
  scratch: string;
  /** Tables whose rows it works on, each with a column that can be written; undefined: it sees none. */
  tables: readonly { table: string; column: string | undefined }[];
}

/**
 * 1044: no right on the database, 1045: no FILE, 1142 and 1143: no right on the table or column, 1227: no global right,
 * 1370: no right on the routine.
 */
const REFUSED = ["1044", "1045", "1142", "1143", "1227", "1370"];

const must = (title: string, ...statements: string[]): SqlProbe => ({
  title,
  expected: "allowed",
  refusedBy: REFUSED,
  statements,
});
const mustNot = (title: string, statement: string, ...letPastBy: string[]): SqlProbe => ({
  title,
  expected: "refused",
  refusedBy: REFUSED,
  letPastBy,
  statements: [statement],
});
const mustNotFind = (title: string, question: string): SqlProbe => ({
  ...mustNot(title, question),
  findings: true,
});

/** The binary log is on, and log_bin_trust_function_creators off. */
const UNTRUSTED = "1419";

/** A table that is nowhere: who gets as far as being told so was let past the check of rights. */
const ABSENT = "estate_check_absent";
const NO_SUCH_TABLE = ["1146", "1051"];

export function mariadbProbes(subject: MariadbSubject): SqlProbe[] {
  const own = quoteIdentifier(subject.entry.name);
  return [
    ...(subject.entry.schema.owner === "application" ? application(own, subject) : program(own)),
    ...subject.tables.flatMap((table) => rows(own, table)),
    ...otherDatabases(subject),
    ...accounts(subject.entry.name),
    ...server(own, subject),
    ...held(subject),
  ];
}

function application(own: string, { scratch }: MariadbSubject): SqlProbe[] {
  const table = `${own}.${quoteIdentifier(scratch)}`;
  const view = `${own}.${quoteIdentifier(`${scratch}_view`)}`;
  const trigger = `${own}.${quoteIdentifier(`${scratch}_trigger`)}`;
  return [
    {
      ...must(
        "create, fill, read, change and drop a table of its own",
        `CREATE TABLE ${table} (id int PRIMARY KEY, word varchar(9))`,
        `INSERT INTO ${table} VALUES (1, 'a')`,
        `UPDATE ${table} SET word = 'b' WHERE id = 1`,
        `SELECT word FROM ${table}`,
        `ALTER TABLE ${table} ADD COLUMN more int`,
        `CREATE INDEX word ON ${table} (word)`,
        `DELETE FROM ${table}`,
        `DROP TABLE ${table}`,
      ),
      cleanup: [`DROP TABLE IF EXISTS ${table}`],
    },
    {
      ...must("create a view", `CREATE VIEW ${view} AS SELECT 1 AS one`),
      cleanup: [`DROP VIEW IF EXISTS ${view}`],
    },
    {
      ...must(
        "create a trigger",
        `CREATE TABLE ${table} (id int)`,
        `CREATE TRIGGER ${trigger} BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.id = 1`,
      ),
      refusedBy: [...REFUSED, UNTRUSTED],
      cleanup: [`DROP TABLE IF EXISTS ${table}`],
    },
    {
      ...must("create a temporary table", `CREATE TEMPORARY TABLE ${table} (id int)`),
      cleanup: [`DROP TEMPORARY TABLE IF EXISTS ${table}`],
    },
    {
      ...mustNot(
        "create a view that runs as root",
        `CREATE DEFINER = root@localhost VIEW ${view} AS SELECT 1 AS one`,
      ),
      cleanup: [`DROP VIEW IF EXISTS ${view}`],
    },
  ];
}

/** DDL commits at once, so each is aimed at what does not exist. */
function program(own: string): SqlProbe[] {
  const absent = `${own}.${ABSENT}`;
  return [
    mustNot("create a table", `CREATE TABLE ${own}.estate_check LIKE ${absent}`, ...NO_SUCH_TABLE),
    mustNot(
      "create a temporary table",
      `CREATE TEMPORARY TABLE ${own}.estate_check LIKE ${absent}`,
      ...NO_SUCH_TABLE,
    ),
    mustNot("alter a table", `ALTER TABLE ${absent} ADD COLUMN more int`, ...NO_SUCH_TABLE),
    mustNot("drop a table", `DROP TABLE ${absent}`, ...NO_SUCH_TABLE),
    mustNot("truncate a table", `TRUNCATE TABLE ${absent}`, ...NO_SUCH_TABLE),
    mustNot("create an index", `CREATE INDEX estate_check ON ${absent} (id)`, ...NO_SUCH_TABLE),
    mustNot("create a view", `CREATE VIEW ${own}.estate_check AS SELECT * FROM ${absent}`, ...NO_SUCH_TABLE),
    {
      ...mustNot(
        "create a trigger",
        `CREATE TRIGGER ${own}.estate_check BEFORE INSERT ON ${absent} FOR EACH ROW SET NEW.id = 1`,
        ...NO_SUCH_TABLE,
      ),
      refusedBy: [...REFUSED, UNTRUSTED],
    },
    // Its rows say what the admin runs to take a migration back.
    mustNot("read the history of its migrations", `SELECT 1 FROM ${own}.${HISTORY} LIMIT 1`),
    mustNot("change the history of its migrations", `UPDATE ${own}.${HISTORY} SET name = name WHERE FALSE`),
    mustNot(
      "add to the history of its migrations",
      `INSERT INTO ${own}.${HISTORY} SELECT * FROM ${own}.${HISTORY} WHERE FALSE`,
    ),
  ];
}

function rows(own: string, { table, column }: MariadbSubject["tables"][number]): SqlProbe[] {
  const name = `${own}.${quoteIdentifier(table)}`;
  if (column === undefined) return [must(`read ${table}`, `SELECT 1 FROM ${name} LIMIT 1`)];
  const field = quoteIdentifier(column);
  return [
    must(`read ${table}`, `SELECT ${field} FROM ${name} LIMIT 1`),
    {
      ...must(
        `insert into ${table}`,
        `INSERT INTO ${name} (${field}) SELECT ${field} FROM ${name} WHERE FALSE`,
      ),
      // Another column has no default; that is looked at after the rights.
      letPastBy: ["1364"],
    },
    must(`update ${table}`, `UPDATE ${name} SET ${field} = ${field} WHERE FALSE`),
    must(`delete from ${table}`, `DELETE FROM ${name} WHERE FALSE`),
  ];
}

function otherDatabases({ otherDatabases, entry }: MariadbSubject): SqlProbe[] {
  return [
    ...[...otherDatabases, "mysql"].map((name) =>
      mustNot(`open database ${name}`, `USE ${quoteIdentifier(name)}`),
    ),
    ...otherDatabases.flatMap((name) => {
      const absent = `${quoteIdentifier(name)}.${ABSENT}`;
      return [
        mustNot(`read tables of ${name}`, `SELECT 1 FROM ${absent}`, ...NO_SUCH_TABLE),
        mustNot(`write tables of ${name}`, `INSERT INTO ${absent} VALUES (1)`, ...NO_SUCH_TABLE),
      ];
    }),
    mustNotFind(
      "see other databases",
      `SELECT SCHEMA_NAME AS finding FROM information_schema.SCHEMATA
         WHERE SCHEMA_NAME NOT IN (${quoteString(entry.name)}, 'information_schema') ORDER BY 1`,
    ),
    mustNot("create a database", "CREATE DATABASE mysql", "1007"),
  ];
}

function accounts(database: string): SqlProbe[] {
  return [
    mustNot("read password hashes in mysql.user", "SELECT authentication_string FROM mysql.user LIMIT 1"),
    mustNot("read password hashes in mysql.global_priv", "SELECT Priv FROM mysql.global_priv LIMIT 1"),
    mustNot("write mysql.global_priv", "DELETE FROM mysql.global_priv WHERE FALSE"),
    // 1524: no such plugin, which stops who may create accounts.
    mustNot(
      "create an account",
      "CREATE USER estate_check@localhost IDENTIFIED VIA estate_check_absent",
      "1524",
    ),
    mustNot("drop an account", "DROP USER estate_check_absent@localhost", "1396"),
    // To itself, what it has: nothing changes even where it is let.
    mustNot("grant on", `GRANT SELECT ON ${quoteIdentifier(databasePattern(database))}.* TO CURRENT_USER()`),
  ];
}

function server(own: string, { provisioned }: MariadbSubject): SqlProbe[] {
  const absent = `${own}.${ABSENT}`;
  const local = mustNot(
    "send files of the client (LOAD DATA LOCAL)",
    `LOAD DATA LOCAL INFILE '/estate-check-absent' INTO TABLE ${absent}`,
    ...NO_SUCH_TABLE,
  );
  return [
    mustNot("change the server's settings (SUPER)", "SET GLOBAL general_log = @@global.general_log"),
    mustNot(
      "change the server's limits (CONNECTION ADMIN)",
      "SET GLOBAL max_connections = @@global.max_connections",
    ),
    mustNot("read others' statements (PROCESS)", "SHOW ENGINE INNODB STATUS"),
    mustNotFind(
      "see others' sessions",
      `SELECT DISTINCT USER AS finding FROM information_schema.PROCESSLIST
         WHERE USER <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1) ORDER BY 1`,
    ),
    mustNot("reload the server (RELOAD)", "FLUSH PRIVILEGES"),
    mustNot("read the binary log's place", "SHOW BINARY LOGS", "1381"),
    mustNot(
      "write a file of the host (FILE)",
      "SELECT 1 INTO OUTFILE '/estate-check-absent/file'",
      ...["1", "13", "1290"],
    ),
    mustNot(
      "read a file of the host into a table (FILE)",
      `LOAD DATA INFILE '/etc/passwd' INTO TABLE ${absent}`,
      ...NO_SUCH_TABLE,
      "1290",
    ),
    mustNotFind(
      "read a file of the host by LOAD_FILE (FILE)",
      "SELECT '/etc/passwd' AS finding FROM (SELECT LOAD_FILE('/etc/passwd') AS content) AS file WHERE content IS NOT NULL",
    ),
    // Not a right of the account but a setting of the server. 4166, 1148: switched off.
    ...(provisioned ? [{ ...local, refusedBy: ["4166", "1148"] }] : []),
    mustNot("load a library into the server", "INSTALL SONAME 'estate_check_absent'", "1126"),
    mustNot(
      "create a function from a library",
      "CREATE FUNCTION estate_check RETURNS STRING SONAME 'absent.so'",
      "1126",
    ),
    mustNot(
      "schedule an event",
      `CREATE EVENT ${own}.estate_check ON SCHEDULE AT '2000-01-01 00:00:00' DO SELECT 1`,
    ),
  ];
}

/** Who may read mysql.* sees everybody's rights; what counts are the account's own and what everybody has. */
const MINE = `GRANTEE IN (CONCAT("'", REPLACE(CURRENT_USER(), "@", "'@'"), "'"), "PUBLIC", "'PUBLIC'@''")`;

/** What the server itself says the account has. SHUTDOWN, for one, must not be tried to be known. */
function held({ entry, grants }: MariadbSubject): SqlProbe[] {
  const pattern = quoteString(databasePattern(entry.name));
  const onDatabase = grants.flatMap(({ table, privileges }) => (table === undefined ? privileges : []));
  const onTables = grants.flatMap(({ database, table, privileges }) =>
    table === undefined ? [] : privileges.map((privilege) => `${privilege} on ${database}.${table}`),
  );
  // A list may not be empty.
  const listed = (texts: readonly string[]) => ["", ...texts].map(quoteString).join(", ");
  return [
    mustNotFind(
      "hold a global right (SUPER, FILE, PROCESS, SHUTDOWN ...)",
      `SELECT DISTINCT PRIVILEGE_TYPE AS finding FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE <> 'USAGE' AND ${MINE} ORDER BY 1`,
    ),
    mustNotFind(
      "hold rights on a database that are not declared",
      `SELECT CONCAT(PRIVILEGE_TYPE, ' on ', TABLE_SCHEMA) AS finding FROM information_schema.SCHEMA_PRIVILEGES
         WHERE ${MINE} AND (TABLE_SCHEMA <> ${pattern} OR PRIVILEGE_TYPE NOT IN (${listed(onDatabase)})) ORDER BY 1`,
    ),
    mustNotFind(
      "hold rights on single tables or columns that are not declared",
      `SELECT finding FROM (
           SELECT CONCAT(PRIVILEGE_TYPE, ' on ', TABLE_SCHEMA, '.', TABLE_NAME) AS finding
             FROM information_schema.TABLE_PRIVILEGES WHERE ${MINE}
         ) AS held WHERE finding NOT IN (${listed(onTables)})
         UNION SELECT CONCAT(PRIVILEGE_TYPE, ' on ', TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME)
         FROM information_schema.COLUMN_PRIVILEGES WHERE ${MINE} ORDER BY 1`,
    ),
    mustNotFind(
      "hold GRANT OPTION",
      `SELECT DISTINCT TABLE_SCHEMA AS finding FROM information_schema.SCHEMA_PRIVILEGES WHERE IS_GRANTABLE = 'YES' AND ${MINE}
         UNION SELECT '*.*' FROM information_schema.USER_PRIVILEGES WHERE IS_GRANTABLE = 'YES' AND ${MINE}`,
    ),
    mustNotFind(
      "take on a role",
      "SELECT ROLE_NAME AS finding FROM information_schema.APPLICABLE_ROLES ORDER BY 1",
    ),
  ];
}
