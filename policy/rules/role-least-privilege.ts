import { POSTGRES_ROLE } from "../kinds";
import { texts } from "../plain";
import { resourceRule } from "../rule";

export const roleLeastPrivilege = resourceRule({
  name: "role-least-privilege",
  description: "A PostgreSQL role has no power over the server: it owns or works, and nobody logs in as it.",
  severity: "critical",
  remediationSteps:
    "Leave the attribute out. What a service logs in with is a login slot (estate:postgres:Login).",
  types: [POSTGRES_ROLE],
  *faults({ props }) {
    for (const attribute of texts(props.attributes)) {
      yield attribute === "LOGIN"
        ? "attributes holds LOGIN: nobody logs in as an owner or a service. Use a login slot"
        : `attributes holds ${attribute}: a power over the whole server. Leave it out`;
    }
    for (const role of texts(props.memberships)) {
      if (role.startsWith("pg_"))
        yield `memberships holds "${role}", a power over the whole server. Leave it out`;
    }
  },
});
