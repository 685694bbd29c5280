import { z } from "zod";
import { PLAIN_NAME } from "../../../text/postgres";
import { keyPath } from "../../wire/diff";
import type { CheckFailure, Properties, Value } from "../../wire/kind";
import { hasUnknown } from "../../wire/values";
import { checkFields, type Field } from "../postgres/check-fields";
import { checkGrants } from "../postgres/check-grants";
import { contextFingerprints } from "./context-sql";
import { CONTEXT_SCHEMA, NOT_OURS } from "./inputs";

const name = z
  .string("must be a name")
  .regex(PLAIN_NAME, "must be a plain name: lower-case letters, digits, _; at most 63");
const role = name.refine(
  (text) => !/^pg_|^(public|none)$/.test(text),
  "is a name PostgreSQL keeps for itself",
);
const sorted = (names: string[]) => [...new Set(names)].sort();
const nobody = (what: string): Field => ({
  schema: z.array(z.string()).max(0, `must stay empty: ${what}`),
  fallback: [],
});

const identity = z.strictObject({
  members: z.array(role).max(1, "one service takes it, or nobody").transform(sorted),
  memberOf: z.array(z.string()).max(0, "must stay empty: an identity has no other role's rights").default([]),
  attributes: z.array(z.string()).max(0, "must stay empty: an identity has no power of its own").default([]),
});

const policy = z.strictObject({
  table: name,
  name: z.string().min(1).max(63),
  for: z.enum(["select", "insert", "update", "delete", "all"]),
  to: z
    .array(role)
    .length(
      1,
      "names exactly one role: PostgreSQL joins the policies of a role by OR, and PUBLIC is everybody",
    ),
  as: z.literal("restrictive").optional(),
  using: z.string().min(1).optional(),
  withCheck: z.string().min(1).optional(),
});

/** Same as in the token's description, estate/row-security/context-token.ts. */
const keyId = /^[a-z0-9]{1,16}$/;
const secret = /^[\x21-\x7e]{32,64}$/;

const fields: Record<string, Field> = {
  database: { schema: name },
  schema: {
    schema: name.refine((text) => text !== CONTEXT_SCHEMA, "is this resource's own; tables live elsewhere"),
  },
  owner: { schema: role },
  service: { schema: role },
  identities: { schema: z.record(role, identity) },
  tables: { schema: z.record(name, z.enum(["forced", "off"])) },
  exceptions: {
    schema: z.record(name, z.string().min(1, "needs a reason")),
    fallback: {},
  },
  policies: { schema: z.record(z.string(), policy) },
  indexes: { schema: z.record(name, z.array(z.string().min(1))), fallback: {} },
  views: { schema: z.record(name, z.literal("security_invoker")), fallback: {} },
  grants: { schema: z.unknown() },
  keys: {
    // No fault repeats a value.
    schema: z.record(z.string(), z.string("each key is a text")).superRefine((keys, context) => {
      const fail = (message: string) => context.issues.push({ code: "custom", message, input: "" });
      const entries = Object.entries(keys);
      if (entries.length === 0 || entries.length > 2)
        fail("holds one key, or two in the grace window of a rotation");
      for (const [id, value] of entries) {
        if (!keyId.test(id)) fail("has an id that is not 1 to 16 lower-case letters and digits");
        if (!secret.test(value) || value === NOT_OURS) fail(`${id} must be 32 to 64 characters of ASCII`);
      }
    }),
  },
  ownerMembers: nobody("nobody works as the owner but the admin"),
  largeObjects: nobody("a large object has no row security"),
  advisoryLocks: nobody("an advisory lock needs no context"),
  statistics: nobody("EXPLAIN tells what is kept of all tenants' values"),
  serviceMemberOf: nobody("a service takes identities and nothing else"),
};

/** Checks and completes what is declared; the fingerprints of schema `context` follow from its owner. All faults at once. */
export function checkRowSecurity({ context: _ours, ...news }: Properties): {
  inputs: Record<string, Value>;
  failures: CheckFailure[];
} {
  const { inputs, failures } = checkFields(news, fields);
  const faults = [...failures];
  if (inputs.grants !== undefined) {
    const schemas = typeof inputs.schema === "string" ? [inputs.schema, CONTEXT_SCHEMA] : [CONTEXT_SCHEMA];
    const checked = checkGrants("grants", inputs.grants, { schemas, owners: [] });
    inputs.grants = checked.value;
    faults.push(...checked.failures);
    for (const key of Object.keys((checked.value ?? {}) as object)) {
      if (!key.endsWith(" on database")) continue;
      const reason = "is about the database itself: declare it in estate:postgres:Access";
      faults.push({ property: keyPath("grants", key), reason });
    }
  }
  if (typeof inputs.owner === "string") inputs.context = contextFingerprints(inputs.owner);
  if (faults.length === 0) faults.push(...crossFaults(inputs));
  return { inputs, failures: faults };
}

interface Named {
  table: string;
  name: string;
  for: string;
  to: string[];
  using?: string;
  withCheck?: string;
}

/** What only several fields together show. */
function crossFaults(inputs: Record<string, Value>): CheckFailure[] {
  if (
    ["identities", "tables", "exceptions", "policies", "owner", "service"].some((each) =>
      hasUnknown(inputs[each]),
    )
  )
    return [];
  const tables = inputs.tables as Record<string, string>;
  const known = [...Object.keys(inputs.identities as object), inputs.owner, inputs.service];
  const places = new Map<string, string>();
  const writes = /^(INSERT|UPDATE|DELETE)/;
  const faults: CheckFailure[] = Object.keys(tables)
    .filter((table) => (tables[table] === "off") !== Object.hasOwn(inputs.exceptions as object, table))
    .map((table) => ({
      property: keyPath("tables", table),
      reason: `is ${tables[table]}: exceptions holds the reason of each table that is off, and no other's`,
    }));
  for (const [key, privileges] of Object.entries(inputs.grants as Record<string, string[]>)) {
    const [, table = ""] = / on table [^.]+\.([^.]+)$/.exec(key) ?? [];
    if (tables[table] === "off" && privileges.some((privilege) => writes.test(privilege))) {
      const reason = `writes ${table}, which is off: nothing asks there for a context. Force it, and declare the rules`;
      faults.push({ property: keyPath("grants", key), reason });
    }
  }
  for (const [key, each] of Object.entries(inputs.policies as unknown as Record<string, Named>)) {
    const fail = (reason: string) => faults.push({ property: keyPath("policies", key), reason });
    if (tables[each.table] !== "forced")
      fail(`is on ${each.table}, which is not forced in tables: it would not hold`);
    for (const who of each.to) if (!known.includes(who)) fail(`is to ${who}, which is no identity`);
    const place = `${each.table}.${each.name}`;
    if (places.has(place)) fail(`has the name of ${places.get(place)} on the same table`);
    places.set(place, key);
    const writes = each.for === "insert" || each.for === "update" || each.for === "all";
    if (writes !== (each.withCheck !== undefined)) {
      fail(writes ? "writes rows: say withCheck, too" : `has a withCheck, which a ${each.for} cannot have`);
    }
    if ((each.for !== "insert") !== (each.using !== undefined)) {
      fail(each.for === "insert" ? "has a using, which an insert cannot have" : "says no using");
    }
  }
  return faults;
}
