import { ROW_SECURITY } from "../kinds";
import { isUnknown, object, type Properties, show, texts } from "../plain";
import { grantFaults } from "../privileges";
import { isReserved, ownersOf } from "../roles";
import { shapeOf } from "../row-expressions";
import { resourceRule } from "../rule";
import { isSentence } from "../sentence";

interface Config {
  everyRow: Record<string, string>;
  readWhole: Record<string, string>;
}

export const rowSecurityClosed = resourceRule<Config>({
  name: "row-security-closed",
  description:
    "Row security binds everybody: forced on each table, one role a policy, and each rule compares a column with the context.",
  severity: "critical",
  remediationSteps:
    "Declare the table's rules, or the exception with its reason, in estate/row-security; leave what follows to the plan.",
  config: {
    everyRow: {
      type: "object",
      additionalProperties: { type: "string" },
      default: {
        mcp_portal_superadmin: "administers the platform as a whole, and each of its sessions is audited",
        mcp_portal_auditor: "reads the whole platform for an audit, and may change nothing in it",
      },
      description: "Roles beside the service that may see every row with a context, each with a sentence",
    },
    readWhole: {
      type: "object",
      additionalProperties: { type: "string" },
      default: {
        "mcp_admin.mcp_servers":
          "the registry of servers is the same for every organisation, and the service alone writes it",
      },
      description: "Tables that whoever shows a context may read as a whole, each with a sentence",
    },
  },
  types: [ROW_SECURITY],
  *faults({ props }, { everyRow, readWhole }) {
    for (const [property, reasons] of Object.entries({ everyRow, readWhole })) {
      for (const [name, reason] of Object.entries(reasons)) {
        if (!isSentence(reason)) yield `${property}.${name} gives no reason. Write a sentence`;
      }
    }
    yield* tables(props);
    yield* identities(props);
    const internal = internalRoles(props);
    const whole = new Set([
      ...Object.keys(everyRow),
      ...(typeof props.service === "string" ? [props.service] : []),
    ]);
    for (const [key, policy] of Object.entries(object(props.policies))) {
      const { to, table, for: command } = object(policy);
      const roles = texts(to);
      if (
        typeof table === "string" &&
        !isUnknown(props.tables) &&
        !Object.hasOwn(object(props.tables), table)
      )
        yield `policies["${key}"].table is ${table}, of which tables say nothing: it may not be forced`;
      if (!isUnknown(to) && (roles.length !== 1 || roles.some(isReserved))) {
        yield `policies["${key}"].to is [${roles.join(", ")}]. Name one role: a policy each`;
      }
      if (isUnknown(to) || (roles.length > 0 && roles.every((role) => internal.has(role)))) continue;
      const shared =
        command === "select" && Object.hasOwn(readWhole, `${String(props.database)}.${String(table)}`);
      for (const fault of rules(
        object(policy),
        (roles) => shared || roles.every((role) => whole.has(role)),
      )) {
        yield `policies["${key}"].${fault}`;
      }
    }
    yield* grants(props);
  },
});

function* tables({ tables: declared, exceptions, views }: Properties): Iterable<string> {
  for (const [table, state] of Object.entries(object(declared))) {
    if (isUnknown(state) || state === "forced") continue;
    const reason = object(exceptions)[table];
    if (state === "off" && (isUnknown(reason) || isSentence(reason))) continue;
    yield `tables.${table} is ${String(state)} without a reason in exceptions. Force it, or say why in a sentence`;
  }
  for (const [view, state] of Object.entries(object(views))) {
    if (!isUnknown(state) && state !== "security_invoker") {
      yield `views.${view} is ${show(state)}: it shows what its owner sees. Use "security_invoker"`;
    }
  }
}

/** Identities have nothing of their own, and the owner, whom no rule has to bind, is nobody's to take. */
function* identities({ database, identities: declared, owner, service }: Properties): Iterable<string> {
  if (typeof database === "string") {
    const [worksAs, owns] = ownersOf(database);
    if (typeof owner === "string" && owner !== owns)
      yield `owner is ${owner}, whom no rule binds. Name ${owns}`;
    if (typeof service === "string" && service !== worksAs)
      yield `service is ${service}, who may see every row. Name ${worksAs}`;
  }
  for (const [role, identity] of Object.entries(object(declared))) {
    for (const property of ["attributes", "memberOf"]) {
      const given = texts(object(identity)[property]);
      if (given.length > 0) yield `identities.${role}.${property} holds ${given.join(", ")}. Leave it out`;
    }
  }
  for (const role of Object.keys(object(declared))) {
    if (isReserved(role)) yield `${role} is the server's or the program's own. Name a role of the database`;
  }
  const taken = typeof owner === "string" && texts(object(object(declared)[owner]).members).length > 0;
  if (taken) yield `owner is ${owner}, which the service works as: no rule would bind it`;
}

/** Roles that nobody can take; the owner's functions are declared, too. */
function internalRoles({ identities, owner }: Properties): Set<string> {
  const roles = Object.entries(object(identities))
    .filter(
      ([, identity]) =>
        Array.isArray(object(identity).members) && texts(object(identity).members).length === 0,
    )
    .map(([role]) => role);
  return new Set([...roles, ...(typeof owner === "string" ? [owner] : [])]);
}

function* rules(policy: Properties, mayEveryRow: (roles: string[]) => boolean): Iterable<string> {
  const { for: command, using, withCheck } = policy;
  const needed: Record<string, string[]> = {
    select: ["using"],
    insert: ["withCheck"],
    update: ["using", "withCheck"],
    delete: ["using"],
  };
  if (!isUnknown(command)) {
    const clauses = needed[String(command)];
    if (!clauses) yield `for is ${show(command)}. Name one command: a policy each`;
    for (const clause of clauses ?? [])
      if (policy[clause] === undefined) yield `${clause} is not set: it binds no row`;
  }
  for (const [clause, text] of Object.entries({ using, withCheck })) {
    if (typeof text !== "string") continue;
    const { fault, everyRow } = shapeOf(text, texts(policy.to)[0]);
    if (fault) yield `${clause} is ${text}: it ${fault}`;
    else if (everyRow && !mayEveryRow(texts(policy.to))) {
      yield `${clause} is ${text}: it compares no column with the context, so it may be about every row`;
    }
  }
}

/** What is granted is a table or a view that stands above, or a function; never what row security does not bind. */
function* grants(props: Properties): Iterable<string> {
  const schema = typeof props.schema === "string" ? props.schema : "public";
  yield* grantFaults("grants", props.grants, [schema, "context"]);
  const known = new Set([...Object.keys(object(props.tables)), ...Object.keys(object(props.views))]);
  const grantees = new Set([...Object.keys(object(props.identities)), String(props.service)]);
  for (const [key, privileges] of Object.entries(object(props.grants))) {
    const [grantee = ""] = key.split(" on ");
    if (!isUnknown(props.identities) && !isUnknown(props.service) && !grantees.has(grantee))
      yield `grants["${key}"] is to ${grantee}, who is neither the service nor an identity. Leave it out`;
    const [, table] = / on table (?:.+)\.([^.]+)$/.exec(key) ?? [];
    if (/ on tables /.test(key))
      yield `grants["${key}"] is on every table there is or will be. Name the tables`;
    if (table === undefined || isUnknown(props.tables)) continue;
    if (!key.includes(` on table ${schema}.`) || !known.has(table.replaceAll('"', ""))) {
      yield `grants["${key}"] is on a table that tables and views say nothing of`;
    }
    const written = texts(privileges).filter((privilege) => /^(INSERT|UPDATE|DELETE)/.test(privilege));
    if (object(props.tables)[table.replaceAll('"', "")] === "off" && written.length > 0)
      yield `grants["${key}"] holds ${written.join(", ")} on a table that asks for no context. Force it, and declare the rules`;
  }
}
