import type { PostgresConnection } from "../connect/postgres";
import type { Description } from "./describe";

/**
 * Left out: what is declared and not migrated (owners, grants, row-level security), extensions with what belongs to them,
 * the history, and partitions, which jobs make and drop as time goes by.
 */
const OURS = `
  WITH ours AS (
    SELECT n.oid, n.nspname FROM pg_namespace n
      WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'estate', 'context')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
  ), relations AS (
    SELECT c.*, format('%I.%I', o.nspname, c.relname) AS name FROM pg_class c JOIN ours o ON o.oid = c.relnamespace
      WHERE NOT c.relispartition
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  )`;

const PARTS = [
  "SELECT format('schema %I', nspname), '' FROM ours",
  `SELECT format('%s %s', CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialised view' ELSE 'table' END, name),
     concat_ws(E'\\n', 'persistence ' || relpersistence::text, 'options ' || array_to_string(reloptions, ', '),
       'partition by ' || pg_get_partkeydef(oid), CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END)
     FROM relations WHERE relkind IN ('r', 'p', 'v', 'm', 'f')`,
  `SELECT format('column %s.%I', r.name, a.attname),
     concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
       CASE WHEN a.attcollation <> t.typcollation THEN 'collate ' || a.attcollation::regcollation::text END,
       CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
       CASE WHEN a.attgenerated <> '' THEN 'generated' ELSE 'default' END || ' ' || pg_get_expr(d.adbin, d.adrelid))
     FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE r.relkind IN ('r', 'p', 'f', 'c')`,
  `SELECT format('constraint %I on %s', k.conname, r.name), pg_get_constraintdef(k.oid)
     FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid WHERE k.conparentid = 0 AND k.contype <> 'n'`,
  `SELECT format('index %s', r.name), pg_get_indexdef(r.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
     FROM relations r JOIN pg_index i ON i.indexrelid = r.oid
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = r.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))`,
  `SELECT format('trigger %I on %s', g.tgname, r.name), pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text
     FROM pg_trigger g JOIN relations r ON r.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
     WHERE NOT g.tgisinternal AND p.pronamespace IS DISTINCT FROM to_regnamespace('context')`,
  `SELECT format('function %s', p.oid::regprocedure), CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
     FROM pg_proc p JOIN ours o ON o.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`,
  `SELECT format('type %I.%I', o.nspname, t.typname),
     concat_ws(' ', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
         || coalesce(' default ' || t.typdefault, '') END,
       (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid))
     FROM pg_type t JOIN ours o ON o.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')`,
  `SELECT format('sequence %s', r.name), concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
     FROM relations r JOIN pg_sequence s ON s.seqrelid = r.oid`,
];

/** Reads the schema of the open database. Session: search_path = pg_catalog, so that every name comes out qualified. */
export async function describePostgres(connection: PostgresConnection): Promise<Description> {
  const rows = await connection.query<{ object: string; definition: string }>(
    `${OURS} SELECT object, definition FROM (${PARTS.join("\n UNION ALL ")}) AS part (object, definition)`,
  );
  return new Map(rows.map(({ object, definition }) => [object, definition.trim()]));
}
