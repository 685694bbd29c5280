import type { PostgresConnection } from "../../../connect/postgres";
import { quoteIdentifier as id } from "../../../text/postgres";
import { heldStatements, heldTriggers, isWritten } from "./held";
import { CONTEXT_SCHEMA, type RowSecurityInputs, type TableState } from "./inputs";

type Declared = Pick<RowSecurityInputs, "schema" | "tables" | "views" | "grants">;

interface RelationOnServer extends Record<string, unknown> {
  name: string;
  /** r, p: tables; v: a view. */
  kind: string;
  enabled: boolean;
  forced: boolean;
  invoker: boolean;
  /** Triggers that call a function of schema `context`, in the order of their names; one that is not on says so. */
  triggers: string[];
  trigger_names: string[];
}

interface TableOnServer {
  security: Exclude<TableState, "context not held">;
  /** The triggers that hold the context are as they have to be; where nobody writes there may be none. */
  held: boolean;
  triggers: string[];
}

export interface Relations {
  tables: Map<string, TableOnServer>;
  views: Map<string, "security_invoker" | "rights of its owner">;
}

/** The declared tables and views, as far as they are there. */
export async function readRelations(connection: PostgresConnection, declared: Declared): Promise<Relations> {
  const rows = await connection.query<RelationOnServer>(RELATIONS, [
    declared.schema,
    [...Object.keys(declared.tables), ...Object.keys(declared.views)],
    CONTEXT_SCHEMA,
  ]);
  const { schema } = declared;
  const relations: Relations = { tables: new Map(), views: new Map() };
  for (const { name, kind, enabled, forced, invoker, triggers, trigger_names: names } of rows) {
    if (kind === "v") relations.views.set(name, invoker ? "security_invoker" : "rights of its owner");
    else {
      const security = enabled ? (forced ? "forced" : "not forced") : "off";
      const wanted = heldTriggers({ schema, table: name }).join("\n");
      const held = triggers.join("\n") === wanted || (triggers.length === 0 && !isWritten(declared, name));
      relations.tables.set(name, { security, held, triggers: names });
    }
  }
  return relations;
}

const RELATIONS = `
SELECT c.relname AS name, c.relkind AS kind, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'security_invoker'), false) AS invoker,
       ARRAY(SELECT replace(pg_get_triggerdef(g.oid), format(' ON %I.%I ', n.nspname, c.relname),
                            format(' ON "%s"."%s" ', n.nspname, c.relname)) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
             FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
             JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
             WHERE g.tgrelid = c.oid AND f.nspname = $3 ORDER BY g.tgname) AS triggers,
       ARRAY(SELECT g.tgname::text FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
             WHERE g.tgrelid = c.oid AND p.pronamespace = to_regnamespace($3)) AS trigger_names
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1`;

function stateOf({ security, held }: TableOnServer): TableState {
  return security === "not forced" || held ? security : "context not held";
}

export function relationsAsDeclared(
  declared: Declared,
  found: Relations,
): Pick<RowSecurityInputs, "tables" | "views"> {
  const states = new Map([...found.tables].map(([name, table]) => [name, stateOf(table)]));
  const thereOf = <T>(names: object, there: Map<string, T>) =>
    Object.fromEntries(
      Object.keys(names).flatMap((name) => {
        const state = there.get(name);
        return state === undefined ? [] : [[name, state]];
      }),
    );
  return {
    tables: thereOf(declared.tables, states),
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

export function relationStatements(declared: Declared, found: Relations): string[] {
  const { schema, tables, views } = declared;
  return [
    ...Object.entries(tables).flatMap(([table, wanted]) => {
      const is = found.tables.get(table);
      if (is === undefined) return [];
      const words = wanted === "off" ? ["NO FORCE", "DISABLE"] : ["ENABLE", "FORCE"];
      const actions = words.map((word) => `${word} ROW LEVEL SECURITY`).join(", ");
      return [
        ...(is.security === wanted ? [] : [`ALTER TABLE ${id(schema)}.${id(table)} ${actions}`]),
        ...(is.held ? [] : heldStatements({ schema, table }, is.triggers, isWritten(declared, table))),
      ];
    }),
    ...Object.keys(views)
      .filter((view) => found.views.get(view) === "rights of its owner")
      .map((view) => `ALTER VIEW ${id(schema)}.${id(view)} SET (security_invoker = true)`),
  ];
}
