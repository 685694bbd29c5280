import type { MariadbServer } from "../../connect/mariadb-server";
import { MARIADB_BACKUP_LOGINS } from "../../estate/backup-logins";
import { ADMIN } from "../../estate/naming";
import type { MariadbEntry } from "../../estate/types";
import type { Finding } from "./lint";

/** What one MariaDB server is held against. */
export interface MariadbSubject {
  /** Every one of the catalogue on this server, retired ones included; there may be none. */
  entries: readonly Pick<MariadbEntry, "name" | "service">[];
  /** The server has no accounts but the program's; on the web host the panel makes some of its own. */
  own: boolean;
}

type Row = { [column: string]: unknown; at: string; fault: string };

export interface MariadbRule extends Pick<Finding, "rule" | "severity" | "mend"> {
  /** What must hold. */
  requirement: string;
  sql(subject: MariadbSubject): { text: string; values: string[] };
}

/** Accounts that the server's package makes, and those that backup and restore log in as. */
const KNOWN = ["root", "mysql", "mariadb.sys", "PUBLIC", ADMIN, ...Object.keys(MARIADB_BACKUP_LOGINS)];

const marks = (values: readonly string[]) => values.map(() => "?").join(", ");
const named = "CONCAT(QUOTE(User), '@', QUOTE(Host))";

/** Who has something on a database: a grant's name of it is a pattern, other than that of a table or a routine. */
const HOLDERS = `
SELECT User, Host, d.name AS db, 'the database' AS what FROM mysql.db JOIN declared d ON d.name LIKE Db
UNION SELECT User, Host, d.name, CONCAT('table ', Table_name) FROM mysql.tables_priv JOIN declared d ON d.name = Db
UNION SELECT User, Host, d.name, CONCAT('a column of table ', Table_name) FROM mysql.columns_priv JOIN declared d ON d.name = Db
UNION SELECT User, Host, d.name, CONCAT(LOWER(Routine_type), ' ', Routine_name) FROM mysql.procs_priv JOIN declared d ON d.name = Db`;

const NONE = "SELECT '' FROM DUAL WHERE FALSE";
const declaredNames = ({ entries }: MariadbSubject) => ({
  text: `WITH declared (name) AS (${entries.map(() => "SELECT ?").join(" UNION ALL ") || NONE})`,
  values: entries.map(({ name }) => name),
});

export const mariadbRules: readonly MariadbRule[] = [
  {
    rule: "grant-undeclared",
    severity: "critical",
    requirement:
      "Nobody but its service has anything on a declared MariaDB database: no database, table, column or routine of it.",
    mend: "REVOKE ... or DROP USER ..., as root; the admin keeps what it has on everything",
    sql(subject) {
      const declared = declaredNames(subject);
      const services = subject.entries.map(({ service }) => service);
      return {
        text: `${declared.text} SELECT CONCAT('database ', db) AS at, CONCAT(${named}, ' has rights on ', GROUP_CONCAT(DISTINCT what ORDER BY what SEPARATOR ', ')) AS fault
          FROM (${HOLDERS}) held WHERE User NOT IN (${marks([...services, ...KNOWN])})
          GROUP BY db, User, Host ORDER BY 1, 2`,
        values: [...declared.values, ...services, ...KNOWN],
      };
    },
  },
  {
    rule: "account-undeclared",
    severity: "high",
    requirement: "Every account and role of the program's own MariaDB server is declared.",
    mend: "DROP USER ... or DROP ROLE ..., as root; or declare it",
    sql({ entries, own }) {
      const known = [...entries.map(({ service }) => service), ...KNOWN];
      return {
        text: `SELECT CONCAT('account ', ${named}) AS at,
            IF(COALESCE(JSON_VALUE(Priv, '$.is_role'), '') IN ('1', 'true'), 'is a role that nobody declares', 'can log in, and nobody declares it') AS fault
          FROM mysql.global_priv WHERE ${own ? "TRUE" : "FALSE"} AND User NOT IN (${marks(known)}) ORDER BY 1`,
        values: known,
      };
    },
  },
  {
    rule: "definer-gone",
    severity: "high",
    requirement:
      "Every view, routine, trigger and event of a MariaDB database has a definer that is there: without one it fails, or works for whoever is made under that name.",
    mend: "make it again as the service's: CREATE OR REPLACE DEFINER = ..., as root",
    sql(subject) {
      const declared = declaredNames(subject);
      return {
        text: `${declared.text} SELECT CONCAT(kind, ' ', db, '.', made.name) AS at, CONCAT('is of ', definer, ', who is not there') AS fault FROM (
            SELECT 'view' AS kind, table_schema AS db, table_name AS name, definer FROM information_schema.views
            UNION ALL SELECT LOWER(routine_type), routine_schema, routine_name, definer FROM information_schema.routines
            UNION ALL SELECT 'trigger', trigger_schema, trigger_name, definer FROM information_schema.triggers
            UNION ALL SELECT 'event', event_schema, event_name, definer FROM information_schema.events
          ) made JOIN declared ON declared.name = made.db
          WHERE NOT EXISTS (SELECT 1 FROM mysql.global_priv WHERE made.definer IN (CONCAT(User, '@', Host), IF(Host = '', User, NULL)))
          ORDER BY 1`,
        values: declared.values,
      };
    },
  },
  {
    rule: "function-of-library",
    severity: "critical",
    requirement:
      "No function of a MariaDB server is a library's: it may do what the server's own process may.",
    mend: "DROP FUNCTION ..., as root",
    sql: () => ({
      text: "SELECT CONCAT('function ', name) AS at, CONCAT('is in ', dl) AS fault FROM mysql.func ORDER BY 1",
      values: [],
    }),
  },
];

/** What the rules find on one server. Reads only. Throws MariadbError. */
export async function lintMariadb(
  server: Pick<MariadbServer, "query">,
  subject: MariadbSubject,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { rule, severity, mend, sql } of mariadbRules) {
    const { text, values } = sql(subject);
    for (const { at, fault } of await server.query<Row>(text, values))
      findings.push({ rule, severity, at, fault, mend });
  }
  return findings;
}
