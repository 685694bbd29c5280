import { planRowSecurity } from "../../../components/plans/row-security";
import type { PostgresConnection } from "../../../connect/postgres";
import { signContext } from "../../../estate/row-security/context-token";
import type { ContextClaims } from "../../../estate/row-security/evaluate";
import { isInternal, roleOf } from "../../../estate/row-security/roles";
import type { RowSecurityDeclaration } from "../../../estate/row-security/types";
import { postgresRowSecurity } from "../../../provider/kinds/postgres-row-security";
import type { PostgresVersion } from "../engines-postgres";
import { type ProgramDatabases, startProgramDatabases } from "../program-database";
import { key } from "../row-security";
import { type Contexts, insertion, type Probe, type ProbedTable, probesOf } from "./probes";
import { CLAIMS, type Columns, domainOf, readColumns, rowsOf } from "./rows";
import type { Stage } from "./run";

/** A throw-away server with databases as the program makes them, and the keys that their contexts are signed with. */
export interface Secured {
  databases: ProgramDatabases;
  keys: Readonly<Record<string, string>>;
}

export async function startSecured(
  version: PostgresVersion,
  declarations: readonly RowSecurityDeclaration[],
): Promise<Secured> {
  const keys = Object.fromEntries(declarations.map(({ database }) => [database, key()]));
  const databases = await startProgramDatabases(
    version,
    declarations.map(({ database }) => database),
    async (bench, entry) => {
      const declaration = declarations.find(({ database }) => database === entry.name);
      if (!declaration) throw new Error(`${entry.name} declares no row security`);
      await bench.sql(`CREATE ROLE ${entry.service}`);
      await bench
        .drive(postgresRowSecurity)
        .create({ ...planRowSecurity(declaration, entry), keys: { k1: keys[entry.name] } });
      await bench.sql(FORGET_CONTEXT, entry.name);
    },
    // Tens of thousands of statements in the server's log would tell nobody anything.
    {
      settings: {
        log_statement: "none",
        log_min_duration_statement: "-1",
        log_min_messages: "panic",
        jit: "off",
      },
    },
  );
  return { databases, keys };
}

/** The matrix is one transaction, and each of its cells is to be the first that writes: the superuser's, for whoever asks. */
const FORGET_CONTEXT = `CREATE SCHEMA probe; GRANT USAGE ON SCHEMA probe TO PUBLIC;
CREATE FUNCTION probe.forget_context() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN PERFORM setval('context.held_transaction', 0); END $$`;

/** A database in which nothing but row security decides, with a row for every relation that there can be to a context. */
export interface Bare {
  declaration: RowSecurityDeclaration;
  contexts: Contexts;
  /** Names of contexts that nobody believes. */
  unbelieved: readonly string[];
  /** A session of the superuser, who can be every identity. */
  connection: PostgresConnection;
  /** @param session default: the superuser's */
  on(table: string, session?: PostgresConnection): { table: ProbedTable; stage: Stage };
  /** Lets the triggers work that hold the context. */
  holdContext(): Promise<void>;
}

export async function openBare(
  { databases, keys }: Secured,
  declaration: RowSecurityDeclaration,
): Promise<Bare> {
  const connection = await databases.open(declaration.database);
  const { schema } = declaration;
  const names = Object.keys(declaration.tables);
  const columns = await readColumns(connection, schema);
  const domains = new Map(names.map((table) => [table, domainOf(declaration, table, columns)]));
  const identities = Object.keys(declaration.identities);
  const roles = Object.fromEntries(identities.map((identity) => [identity, roleOf(declaration, identity)]));
  await connection.query(BARE, []);
  await connection.query(`SET search_path = ${schema}`);
  const partitionedBy = await partitionColumns(connection, schema);
  const tables = names.map((name): ProbedTable => {
    const domain = domains.get(name) ?? new Map();
    const by = partitionedBy.get(name);
    return {
      name,
      domain,
      rows: rowsOf(domain),
      fixed: by === undefined ? {} : { [by]: "2026-01-15T00:00:00Z" },
    };
  });
  await connection.query(tables.flatMap((table) => dress(table, columns, Object.values(roles))).join(";\n"));
  const tokens = Object.fromEntries(
    identities.map((identity) => [identity, tokensOf(declaration, identity, keys)]),
  );
  return {
    declaration,
    contexts: { ...CLAIMS, absent: undefined },
    unbelieved: UNBELIEVED,
    connection,
    on(name, session = connection) {
      const table = tables.find((each) => each.name === name);
      if (!table) throw new Error(`${declaration.database} has no table ${name}`);
      return { table, stage: { connection: session, table: name, roles, tokens } };
    },
    async holdContext() {
      const held = await connection.query<{ sql: string }>(
        `SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) AS sql FROM pg_trigger
         WHERE tgname IN ('context_hold', 'context_kept')`,
      );
      await connection.query(held.map(({ sql }) => sql).join(";\n"));
    },
  };
}

/**
 * The cells of one table. An internal identity shows no context, and one that it shows changes nothing.
 * @param identities default: all
 */
export function cells(
  { declaration, contexts, unbelieved }: Bare,
  table: ProbedTable,
  identities: readonly string[] = Object.keys(declaration.identities),
): Probe[] {
  return identities.flatMap((identity) => {
    const internal = isInternal(declaration, identity);
    const whole = Object.entries(contexts).filter(
      ([name]) => !internal || name === "absent" || name === "first",
    );
    return [
      ...whole.flatMap((context) => probesOf(declaration, table, identity, context, !isFull(context[0]))),
      ...unbelieved.flatMap((name) => probesOf(declaration, table, identity, [name, undefined], true)),
    ];
  });
}

/** Row by row under one context that says everything and one that says nothing; under the others table by table. */
function isFull(context: string): boolean {
  return context === "first" || context === "no claim" || context === "absent";
}

export const UNBELIEVED = [
  "empty",
  "malformed",
  "expired",
  "wrongly signed",
  "of another database's key",
  "of an unknown key",
  "of another role",
  "of another tenant under the same signature",
];

/** By name of the context; `absent` has none. */
export function tokensOf(
  declaration: RowSecurityDeclaration,
  identity: string,
  keys: Readonly<Record<string, string>>,
  believed: Readonly<Record<string, ContextClaims>> = CLAIMS,
): Record<string, string> {
  const role = roleOf(declaration, identity);
  const own = keys[declaration.database] ?? "";
  const others = Object.entries(keys).find(([database]) => database !== declaration.database)?.[1] ?? key();
  const sign = (claims: object, secret = own, seconds = 1800, as = role, id = "k1") =>
    signContext({ id, secret }, { role: as, ...claims, expires: new Date(Date.now() + seconds * 1000) });
  const all = believed.first ?? {};
  const elsewhere = Object.keys(declaration.identities).find((other) => other !== identity) ?? identity;
  return {
    ...Object.fromEntries(Object.entries(believed).map(([name, claims]) => [name, sign(claims)])),
    empty: "",
    malformed: `${all.tenant}.${all.subject}`,
    expired: sign(all, own, -1),
    "wrongly signed": sign(all, key()),
    "of another database's key": sign(all, others),
    "of an unknown key": sign(all, own, 1800, role, "k9"),
    "of another role": sign(all, own, 1800, roleOf(declaration, elsewhere)),
    "of another tenant under the same signature": sign(all).replace(
      all.tenant ?? "",
      believed.second?.tenant ?? "",
    ),
  };
}

async function partitionColumns(
  connection: PostgresConnection,
  schema: string,
): Promise<Map<string, string>> {
  const rows = await connection.query<{ table: string; column: string }>(
    `SELECT c.relname AS table, a.attname AS column FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] WHERE c.relnamespace = $1::regnamespace`,
    [schema],
  );
  return new Map(rows.map(({ table, column }) => [table, column]));
}

/**
 * Takes away what would stop a row or a command beside row security: triggers, keys, checks. `probe_state` is the superuser's, and
 * tells everybody what is in a table.
 */
const BARE = `DO $bare$
DECLARE
  statement text;
BEGIN
  FOR statement IN
    SELECT format('ALTER TABLE %s DISABLE TRIGGER ALL', oid::regclass) FROM pg_class
      WHERE relnamespace IN ('public'::regnamespace, 'internal'::regnamespace) AND relkind IN ('r', 'p')
    UNION ALL (SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname)
      FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
      WHERE t.relnamespace IN ('public'::regnamespace, 'internal'::regnamespace) AND contype IN ('f', 'p', 'u', 'c') AND coninhcount = 0
        AND conparentid = 0
      ORDER BY contype = 'f' DESC)
  LOOP
    EXECUTE statement;
  END LOOP;
  FOR statement IN
    SELECT format('DROP INDEX IF EXISTS %s', indexrelid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
      WHERE c.relnamespace IN ('public'::regnamespace, 'internal'::regnamespace) AND indisunique AND NOT relispartition
        AND NOT EXISTS (SELECT FROM pg_class m WHERE m.oid = indrelid AND m.relkind = 'm')
  LOOP
    EXECUTE statement;
  END LOOP;
END $bare$;
CREATE FUNCTION public.probe_state(name text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET row_security = on AS $$
DECLARE
  found text;
BEGIN
  EXECUTE format('SELECT string_agg(probe || CASE WHEN touched THEN ''*'' ELSE '''' END, '' '' ORDER BY probe) FROM public.%I', name)
    INTO found;
  RETURN found;
END $$`;

/** Two columns that mark a row, its rows, and every privilege for everybody. */
function dress(table: ProbedTable, columns: Columns, roles: readonly string[]): string[] {
  const { name, domain, rows, fixed } = table;
  const demanded = [...(columns.get(name) ?? [])].filter(
    ([column, { nullable }]) => !nullable && !domain.has(column),
  );
  return [
    `TRUNCATE ${name} CASCADE`,
    ...demanded.map(([column]) => `ALTER TABLE ${name} ALTER COLUMN "${column}" DROP NOT NULL`),
    `ALTER TABLE ${name} ADD COLUMN probe integer, ADD COLUMN touched boolean NOT NULL DEFAULT false`,
    `CREATE UNIQUE INDEX ON ${name} (${["probe", ...Object.keys(fixed)].map((column) => `"${column}"`).join(", ")})`,
    ...rows.map(({ probe, values }) => insertion(table, probe, values)),
    `GRANT ALL ON ${name} TO ${roles.join(", ")}`,
  ];
}
