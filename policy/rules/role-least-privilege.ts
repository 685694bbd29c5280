import { POSTGRES_ROLE } from "../kinds";
import { texts } from "../plain";
import { resourceRule } from "../rule";

const ATTRIBUTES: Record<string, string> = {
  superuser: "SUPERUSER",
  createRole: "CREATEROLE",
  createDatabase: "CREATEDB",
  bypassRowLevelSecurity: "BYPASSRLS",
  replication: "REPLICATION",
};

export const roleLeastPrivilege = resourceRule({
  name: "role-least-privilege",
  description: "A PostgreSQL role has no power over the server: it owns or works, and nobody logs in as it.",
  severity: "critical",
  remediationSteps:
    "Leave the attribute out. What a service logs in with is a login slot (estate:postgres:Login).",
  types: [POSTGRES_ROLE],
  *faults({ props }) {
    for (const [property, attribute] of Object.entries(ATTRIBUTES)) {
      if (props[property] === true) yield `${property} is true: the role would be ${attribute}. Leave it out`;
    }
    if (props.login === true)
      yield "login is true: nobody logs in as an owner or a service. Use a login slot";
    for (const role of texts(props.roles)) {
      if (role.startsWith("pg_")) yield `roles holds "${role}", a power over the whole server. Leave it out`;
    }
  },
});
