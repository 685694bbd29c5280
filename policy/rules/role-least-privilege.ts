import { ADMIN } from "../../estate/naming";
import { POSTGRES_DATABASE, POSTGRES_ROLE } from "../kinds";
import { show, texts } from "../plain";
import { isReserved } from "../roles";
import { resourceRule } from "../rule";

/** Roles that are the server's, or the program's own. */
function isPowerful(role: string): boolean {
  return isReserved(role) || /_owner$/i.test(role);
}

export const roleLeastPrivilege = resourceRule({
  name: "role-least-privilege",
  description: "A PostgreSQL role has no power over the server: it owns or works, and nobody logs in as it.",
  severity: "critical",
  remediationSteps:
    "Leave the attribute out. What a service logs in with is a login slot (estate:postgres:Login).",
  types: [POSTGRES_ROLE, POSTGRES_DATABASE],
  *faults({ type, props }) {
    if (type === POSTGRES_DATABASE) {
      const { owner } = props;
      // The admin owns what was retired, and nobody else's.
      if (typeof owner === "string" && owner !== ADMIN && isReserved(owner)) {
        yield `owner is ${show(owner)}, a role of the server's own. Name the database's owner`;
      }
      return;
    }
    const { name } = props;
    if (typeof name === "string" && (isReserved(name) || !/^[a-z_][a-z0-9_]*$/.test(name))) {
      yield `name is ${show(name)}, which is not this program's to declare`;
    }
    for (const attribute of texts(props.attributes)) {
      yield attribute === "LOGIN"
        ? "attributes holds LOGIN: nobody logs in as an owner or a service. Use a login slot"
        : `attributes holds ${attribute}: a power over the whole server. Leave it out`;
    }
    for (const property of ["memberships", "takes"]) {
      for (const role of texts(props[property])) {
        if (isPowerful(role))
          yield `${property} holds "${role}", a power over more than its own rows. Leave it out`;
      }
    }
  },
});
