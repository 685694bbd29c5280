import { object, texts, type Value } from "./plain";
import { isReserved } from "./roles";

/** What a grant of PostgreSQL may give on each kind of object: nothing that makes, empties or watches what others have. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  database: ["CONNECT"],
  schema: ["USAGE"],
  tables: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  sequences: ["SELECT", "USAGE"],
  functions: ["EXECUTE"],
  types: ["USAGE"],
};

const NAME = '(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")';
const SCHEMA = `(?<schema>${NAME})`;
/** ` in public`, ` by ncy8_owner`, or both. */
const MANY = `(?= )(?: by (?<by>${NAME}))?(?: in ${SCHEMA})?`;
const OBJECTS: readonly [RegExp, keyof typeof ALLOWED][] = [
  [/^database$/, "database"],
  [new RegExp(`^schema ${SCHEMA}$`), "schema"],
  [new RegExp(`^tables${MANY}$`), "tables"],
  [new RegExp(`^sequences${MANY}$`), "sequences"],
  [new RegExp(`^functions${MANY}$`), "functions"],
  [new RegExp(`^types${MANY}$`), "types"],
  [new RegExp(`^table ${SCHEMA}\\.${NAME}$`), "tables"],
  [new RegExp(`^sequence ${SCHEMA}\\.${NAME}$`), "sequences"],
  [new RegExp(`^function ${SCHEMA}\\.${NAME}\\([^()]*\\)$`), "functions"],
  [new RegExp(`^type ${SCHEMA}\\.${NAME}$`), "types"],
];

/** `SELECT`, or of columns: `UPDATE (name, email)`. */
const PRIVILEGE = /^([A-Z]+)(?: \((?:[A-Za-z_"][\w" ]*)(?:, ?[A-Za-z_"][\w" ]*)*\))?$/;

/** What is wrong with grants as PostgresAccess and RowSecurity take them, `{ "svc_x on table public.users": ["SELECT"] }`. `schemas`: where they may be. */
export function* grantFaults(property: string, grants: Value, schemas: readonly string[]): Iterable<string> {
  for (const [key, privileges] of Object.entries(object(grants))) {
    const [, of = ""] = new RegExp(`^${NAME} on (.+)$`).exec(key) ?? [];
    const [pattern, kind] = OBJECTS.find(([known]) => known.test(of)) ?? [];
    if (!pattern || !kind) {
      yield `${property}["${key}"] is about nothing that this pack knows. Name one role and one object`;
      continue;
    }
    const { schema, by } = pattern.exec(of)?.groups ?? {};
    if (schema !== undefined && !schemas.includes(schema))
      yield `${property}["${key}"] is in schema ${schema}. Grant in ${schemas.join(" or ")}`;
    if (by !== undefined && isReserved(by))
      yield `${property}["${key}"] is about what ${by} makes. Name the owner`;
    const allowed = ALLOWED[kind] ?? [];
    for (const privilege of texts(privileges)) {
      const [, word = ""] = PRIVILEGE.exec(privilege) ?? [];
      if (allowed.includes(word)) continue;
      yield `${property}["${key}"] holds ${JSON.stringify(privilege)}. On ${kind} name ${allowed.join(", ")}, one by one`;
    }
  }
}
