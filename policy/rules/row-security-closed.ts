import { ROW_SECURITY } from "../kinds";
import { isUnknown, object, texts } from "../plain";
import { resourceRule } from "../rule";

/** What no service needs of a table: these pass row security by, or are about the table and not its rows. */
const AROUND = new Set(["ALL", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]);

export const rowSecurityClosed = resourceRule({
  name: "row-security-closed",
  description:
    "Row security binds everybody: forced on each table, one role a policy, a context in each rule.",
  severity: "critical",
  remediationSteps:
    "Declare the table's rules, or the exception with its reason, in estate/row-security; leave what follows to the plan.",
  types: [ROW_SECURITY],
  *faults({ props }) {
    const exceptions = object(props.exceptions);
    for (const [table, state] of Object.entries(object(props.tables))) {
      if (isUnknown(state) || state === "forced") continue;
      const reason = exceptions[table];
      const excused = state === "off" && (isUnknown(reason) || (typeof reason === "string" && reason.trim()));
      if (!excused)
        yield `tables.${table} is ${String(state)} without a reason in exceptions. Force it, or say why`;
    }
    // Roles that nobody can take; the owner's functions are declared, too.
    const internal = Object.entries(object(props.identities))
      .filter(([, identity]) => texts(object(identity).members).length === 0)
      .map(([role]) => role);
    if (typeof props.owner === "string") internal.push(props.owner);
    for (const [key, policy] of Object.entries(object(props.policies))) {
      const { to, using, withCheck } = object(policy);
      const roles = texts(to);
      if (!isUnknown(to) && (roles.length !== 1 || roles.includes("public"))) {
        yield `policies["${key}"].to is [${roles.join(", ")}]. Name one role: a policy each`;
      }
      for (const [clause, text] of Object.entries({ using, withCheck })) {
        if (typeof text !== "string" || roles.every((role) => internal.includes(role))) continue;
        const open = /\bor\s+true\b/i.test(text) || !/\(SELECT context\.\w+\(\)\)/i.test(text);
        if (open)
          yield `policies["${key}"].${clause} is ${text}: it asks for no context, or not once a query`;
      }
    }
    for (const [key, privileges] of Object.entries(object(props.grants))) {
      for (const privilege of texts(privileges)) {
        const word = privilege.toUpperCase().split(" ")[0] ?? "";
        if (AROUND.has(word))
          yield `grants["${key}"] holds ${word}, which row security does not bind. Leave it out`;
      }
    }
  },
});
