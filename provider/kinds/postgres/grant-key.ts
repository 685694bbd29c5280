import { nameInKey } from "../../../text/postgres";

/**
 * The keys of `grants` and `defaultGrants`: grantee and object in words. Names are plain, or in double quotes where they
 * hold anything but lower-case letters, digits, _ and $.
 *
 *   svc_x on database                              svc_x on table public.users
 *   svc_x on schema public                         svc_x on sequence public.users_id_seq
 *   svc_x on tables in public                      svc_x on function public.pay(integer, text)
 *   svc_x on sequences | functions | types in ..   svc_x on type public.mood
 *
 *   svc_x on tables by owner_x in public           svc_x on functions by owner_x      (in every schema)
 *   svc_x on sequences | functions | types by ..   svc_x on schemas by owner_x
 */

export type ObjectKind = "table" | "sequence" | "function" | "type";

/** An object with privileges of its own. `name` of a function holds its argument types: `pay(integer, text)`. */
export type GrantObject =
  | { kind: "database" }
  | { kind: "schema"; schema: string }
  | { kind: ObjectKind; schema: string; name: string }
  | { kind: "default"; of: ObjectKind | "schema"; owner: string; schema?: string | undefined };

/** Every object of a kind in a schema, as far as it exists. */
export interface GrantScope {
  kind: "all";
  of: ObjectKind;
  schema: string;
}

export interface GrantKey {
  /** `public` stands for PUBLIC: no role can have that name. */
  grantee: string;
  object: GrantObject | GrantScope;
}

const NAME = '("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const GRANT = new RegExp(
  `^${NAME} on (?:(database)|schema ${NAME}|(table|sequence|function|type)s in ${NAME}` +
    `|(table|sequence|type) ${NAME}\\.${NAME}|function ${NAME}\\.${NAME}(\\([^()]*\\)))$`,
);
const DEFAULT_GRANT = new RegExp(
  `^${NAME} on (?:(table|sequence|function|type)s by ${NAME}(?: in ${NAME})?|schemas by ${NAME})$`,
);

/** A key of `grants`, or undefined where it is none. */
export function parseGrantKey(key: string): GrantKey | undefined {
  const found = GRANT.exec(key);
  if (!found) return undefined;
  const [, grantee, database, schema, of, inSchema, kind, oneSchema, one, functionSchema, fn, args] = found;
  return { grantee: unquote(grantee), object: object() };

  function object(): GrantKey["object"] {
    if (database !== undefined) return { kind: "database" };
    if (schema !== undefined) return { kind: "schema", schema: unquote(schema) };
    if (of !== undefined) return { kind: "all", of: of as ObjectKind, schema: unquote(inSchema) };
    if (kind !== undefined) {
      return { kind: kind as ObjectKind, schema: unquote(oneSchema), name: unquote(one) };
    }
    return { kind: "function", schema: unquote(functionSchema), name: unquote(fn) + args };
  }
}

/** A key of `defaultGrants`, or undefined where it is none. */
export function parseDefaultGrantKey(key: string): GrantKey | undefined {
  const found = DEFAULT_GRANT.exec(key);
  if (!found) return undefined;
  const [, grantee, of, owner, schema, schemasOwner] = found;
  if (schemasOwner !== undefined) {
    return {
      grantee: unquote(grantee),
      object: { kind: "default", of: "schema", owner: unquote(schemasOwner) },
    };
  }
  const inSchema = schema === undefined ? {} : { schema: unquote(schema) };
  return {
    grantee: unquote(grantee),
    object: { kind: "default", of: of as ObjectKind, owner: unquote(owner), ...inSchema },
  };
}

export function formatGrantKey({ grantee, object }: GrantKey): string {
  return `${nameInKey(grantee)} on ${objectText(object)}`;
}

/** `table public.users`: unique among the objects of a database. */
export function objectText(object: GrantKey["object"]): string {
  switch (object.kind) {
    case "database":
      return "database";
    case "schema":
      return `schema ${nameInKey(object.schema)}`;
    case "all":
      return `${object.of}s in ${nameInKey(object.schema)}`;
    case "default": {
      const where = object.schema === undefined ? "" : ` in ${nameInKey(object.schema)}`;
      return `${object.of}s by ${nameInKey(object.owner)}${where}`;
    }
    case "function": {
      const [name, args] = splitFunction(object.name);
      return `function ${nameInKey(object.schema)}.${nameInKey(name)}${args}`;
    }
    default:
      return `${object.kind} ${nameInKey(object.schema)}.${nameInKey(object.name)}`;
  }
}

/** `pay(integer, text)` -> `["pay", "(integer, text)"]`. The last parenthesis that opens: a name may hold others. */
export function splitFunction(name: string): [name: string, args: string] {
  const at = name.lastIndexOf("(");
  return [name.slice(0, at), name.slice(at)];
}

function unquote(name: string | undefined): string {
  if (name === undefined) throw new Error("a part of the key is missing");
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
