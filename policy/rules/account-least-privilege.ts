import { MARIADB_ACCOUNT } from "../kinds";
import { isUnknown, objects, show, texts } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  allowed: string[];
}

export const accountLeastPrivilege = resourceRule<Config>({
  name: "account-least-privilege",
  description:
    "A MariaDB account has named privileges on its own databases, and none over the server or over others.",
  severity: "critical",
  remediationSteps:
    "List the privileges the service needs, on its own database: components/plans/privileges.ts.",
  config: {
    allowed: textList("Privileges that an account may have on a database", [
      ...["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"],
      ...["CREATE TEMPORARY TABLES", "LOCK TABLES", "TRIGGER", "CREATE VIEW", "SHOW VIEW"],
      ...["CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"],
    ]),
  },
  types: [MARIADB_ACCOUNT],
  *faults({ props }, { allowed }) {
    for (const { database, table, privileges } of objects(props.grants)) {
      for (const privilege of texts(privileges)) {
        if (allowed.includes(privilege)) continue;
        yield `${show(privilege)} on ${show(database)} is not on the list. Name what the service needs, one by one`;
      }
      if (table !== undefined && !isUnknown(table) && !isName(table)) {
        yield `a grant is on the table ${show(table)}, which is no single table. Name it`;
      }
      if (isUnknown(database)) continue;
      if (!isName(database)) {
        yield `a grant is on ${show(database)}, which is no single database. Name the service's own`;
      } else if (SYSTEM.includes(String(database).toLowerCase())) {
        yield `a grant is on ${show(database)}, the server's own database. Leave it out`;
      }
    }
  },
});

const SYSTEM = ["mysql", "sys", "performance_schema", "information_schema"];

function isName(text: unknown): boolean {
  return typeof text === "string" && /^[A-Za-z0-9_]+$/.test(text);
}
