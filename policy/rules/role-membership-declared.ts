import { OFFICIAL_ROLE, POSTGRES_ROLE, ROW_SECURITY } from "../kinds";
import { isUnknown, object, show, texts } from "../plain";
import { stackRule } from "../rule";

export const roleMembershipDeclared = stackRule({
  name: "role-membership-declared",
  description: "A service takes the roles that row security declares for it, and no others.",
  severity: "critical",
  remediationSteps: "Declare the identity in estate/row-security/<database>.ts, or leave the role out.",
  *faults(resources) {
    const security = resources.filter(({ type }) => type === ROW_SECURITY);
    // Whom each role may be taken by.
    const members = new Map(
      security.flatMap(({ inputs }) =>
        Object.entries(object(inputs.identities)).map(([role, identity]) => [
          role,
          texts(object(identity).members),
        ]),
      ),
    );
    const unknown = security.some(({ inputs }) => isUnknown(inputs.identities));
    for (const at of resources) {
      if (at.type !== POSTGRES_ROLE) continue;
      const { name } = at.inputs;
      for (const property of ["takes", "memberships"]) {
        for (const role of texts(at.inputs[property])) {
          if (unknown || members.get(role)?.includes(String(name))) continue;
          yield {
            at,
            fault: `${property} holds ${show(role)}, which no row security declares for ${show(name)}`,
          };
        }
      }
    }
    // Who reports and the like may be members of each other, but of no identity.
    for (const at of resources.filter(({ type }) => type === OFFICIAL_ROLE)) {
      for (const role of texts(at.inputs.roles)) {
        if (members.has(role)) yield { at, fault: `roles holds ${show(role)}, which row security declares` };
      }
    }
    for (const at of security) {
      const { service, identities } = at.inputs;
      for (const [role, identity] of Object.entries(object(identities))) {
        const strangers = texts(object(identity).members).filter((member) => member !== service);
        if (strangers.length > 0)
          yield { at, fault: `${role} may be taken by ${strangers.join(", ")}, not its service` };
      }
    }
  },
});
