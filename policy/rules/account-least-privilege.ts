import { MARIADB_ACCOUNT } from "../kinds";
import { objects, show, texts } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  forbidden: string[];
}

export const accountLeastPrivilege = resourceRule<Config>({
  name: "account-least-privilege",
  description:
    "A MariaDB account has named privileges on its own databases, and none over the server or over others.",
  severity: "critical",
  remediationSteps:
    "List the privileges the service needs, on its own database: components/plans/privileges.ts.",
  config: {
    forbidden: textList("Privileges that no account has, whatever it is for", [
      "ALL",
      "ALL PRIVILEGES",
      "GRANT OPTION",
      "SUPER",
      "FILE",
      "PROCESS",
      "RELOAD",
      "SHUTDOWN",
      "SHOW DATABASES",
      "CREATE USER",
      "CREATE TABLESPACE",
      "SET USER",
      "BINLOG ADMIN",
      "BINLOG MONITOR",
      "BINLOG REPLAY",
      "CONNECTION ADMIN",
      "FEDERATED ADMIN",
      "READ_ONLY ADMIN",
      "REPLICATION CLIENT",
      "REPLICATION MASTER ADMIN",
      "REPLICATION SLAVE",
      "REPLICATION SLAVE ADMIN",
      "SLAVE MONITOR",
    ]),
  },
  types: [MARIADB_ACCOUNT],
  *faults({ props }, { forbidden }) {
    for (const { database, privileges } of objects(props.grants)) {
      for (const privilege of texts(privileges)) {
        const name = privilege.toUpperCase().replace(/\s+/g, " ").trim();
        if (forbidden.includes(name))
          yield `${name} on ${show(database)} is never granted. Name what the service needs`;
      }
      if (typeof database !== "string") continue;
      if (!/^[A-Za-z0-9_]+$/.test(database)) {
        yield `a grant is on ${show(database)}, which is no single database. Name the service's own`;
      } else if (SYSTEM.includes(database.toLowerCase())) {
        yield `a grant is on ${show(database)}, the server's own database. Leave it out`;
      }
    }
  },
});

const SYSTEM = ["mysql", "sys", "performance_schema", "information_schema"];
