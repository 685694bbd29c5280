import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../postgres/quoting";
import type { RowSecurityInputs, TableState } from "./inputs";

type Declared = Pick<RowSecurityInputs, "schema" | "tables" | "views">;

interface RelationOnServer extends Record<string, unknown> {
  name: string;
  /** r, p: tables; v: a view. */
  kind: string;
  enabled: boolean;
  forced: boolean;
  invoker: boolean;
}

export interface Relations {
  tables: Map<string, TableState>;
  views: Map<string, "security_invoker" | "rights of its owner">;
}

/** The declared tables and views, as far as they are there. */
export async function readRelations(connection: PostgresConnection, declared: Declared): Promise<Relations> {
  const rows = await connection.query<RelationOnServer>(RELATIONS, [
    declared.schema,
    [...Object.keys(declared.tables), ...Object.keys(declared.views)],
  ]);
  const relations: Relations = { tables: new Map(), views: new Map() };
  for (const { name, kind, enabled, forced, invoker } of rows) {
    if (kind === "v") relations.views.set(name, invoker ? "security_invoker" : "rights of its owner");
    else relations.tables.set(name, enabled ? (forced ? "forced" : "not forced") : "off");
  }
  return relations;
}

const RELATIONS = `
SELECT c.relname AS name, c.relkind AS kind, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'security_invoker'), false) AS invoker
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1`;

export function relationsAsDeclared(
  declared: Declared,
  found: Relations,
): Pick<RowSecurityInputs, "tables" | "views"> {
  const thereOf = <T>(names: object, states: Map<string, T>) =>
    Object.fromEntries(
      Object.keys(names).flatMap((name) => {
        const state = states.get(name);
        return state === undefined ? [] : [[name, state]];
      }),
    );
  return {
    tables: thereOf(declared.tables, found.tables),
    views: thereOf(declared.views, found.views),
  } as Pick<RowSecurityInputs, "tables" | "views">;
}

/** What has to be put right outside first. */
export function relationFaults({ schema, tables, views }: Declared, found: Relations): string[] {
  const missing = (kind: string, names: object, there: Map<string, unknown>) =>
    Object.keys(names)
      .filter((name) => !there.has(name))
      .map((name) => `${kind} ${schema}.${name} does not exist: create it first (a migration)`);
  return [...missing("table", tables, found.tables), ...missing("view", views, found.views)];
}

export function relationStatements({ schema, tables, views }: Declared, found: Relations): string[] {
  return [
    ...Object.entries(tables).flatMap(([table, wanted]) => {
      const is = found.tables.get(table);
      if (is === wanted || is === undefined) return [];
      const words = wanted === "off" ? ["NO FORCE", "DISABLE"] : ["ENABLE", "FORCE"];
      const actions = words.map((word) => `${word} ROW LEVEL SECURITY`).join(", ");
      return [`ALTER TABLE ${id(schema)}.${id(table)} ${actions}`];
    }),
    ...Object.keys(views)
      .filter((view) => found.views.get(view) === "rights of its owner")
      .map((view) => `ALTER VIEW ${id(schema)}.${id(view)} SET (security_invoker = true)`),
  ];
}
