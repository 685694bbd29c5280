import { type ContextClaims, evaluate, type Row } from "../../../estate/row-security/evaluate";
import { isInternal } from "../../../estate/row-security/roles";
import { type Command, type CommandRule, commandRules } from "../../../estate/row-security/rules";
import type { IdentityName, RowRule, RowSecurityDeclaration } from "../../../estate/row-security/types";
import { type Domain, literal, type MarkedRow } from "./rows";

/**
 * The cells of the matrix of one table: what everybody tries, and what has to come of it by the truth table alone. Each
 * identity has every privilege on the table here, so that nothing but row security decides: a command without a rule finds no
 * row, and writes none.
 */
export interface Probe {
  identity: IdentityName;
  /** Name of a context in `Contexts`. */
  context: string;
  sql: string;
  /**
   * What counts: `rows`: the text that the statement answers with; `count`: how many rows it touched; `state`: what is left in
   * a table of numbered rows, whoever may see them.
   */
  answer: "rows" | "count" | "state";
  expected: string;
}

/** Claims by name; undefined: nothing that the database believes. */
export type Contexts = Readonly<Record<string, ContextClaims | undefined>>;

export interface ProbedTable {
  name: string;
  domain: Domain;
  rows: readonly MarkedRow[];
  /** A column that partitions, and what it holds in every row. */
  fixed: Row;
}

/** No row: what a command without a rule comes to. */
const NEVER: RowRule = { anyOf: [], reason: "no rule" };
/** Refused with 42501 by a policy, in the words of PostgreSQL. */
export const VIOLATES = "violates";
/** Refused with 42501 for want of a privilege. */
export const DENIED = "denied";
/** `SET row_security = off` asks for an error instead of a filtered answer: what a backup by the wrong role gets. */
export const AFFECTED = "would be filtered";
/** New rows are numbered from here. */
const NEW = 1000;

/** Everything that an identity tries under one context. `brief`: what shows whether the context is believed, and no more. */
export function probesOf(
  declaration: RowSecurityDeclaration,
  table: ProbedTable,
  identity: IdentityName,
  [context, claims]: readonly [string, ContextClaims | undefined],
  brief = false,
): Probe[] {
  const rights = rightsOf(declaration, table.name, identity, claims);
  const attempts = brief
    ? [...blind(table, rights, [{}]), ...table.rows.slice(0, 1).flatMap((row) => insert(table, rights, row))]
    : everything(table, rights);
  return attempts.map((attempt) => ({ identity, context, ...attempt }));
}

type Attempt = Pick<Probe, "sql" | "answer" | "expected">;

/** Whether a row may be seen, written, changed, what it may become, deleted; and for which commands there is a rule. */
type Rights = Record<"sees" | "writes" | "changes" | "makes" | "deletes", (row: Row) => boolean> & {
  has: Record<Command, boolean>;
};

export function rightsOf(
  declaration: RowSecurityDeclaration,
  table: string,
  identity: IdentityName,
  claims: ContextClaims | undefined,
): Rights {
  const rules = commandRules(declaration.tables[table]?.access[identity] ?? {});
  const internal = isInternal(declaration, identity);
  const may = (command: string, part: (rule: CommandRule) => RowRule) => {
    const rule = rules.find((each) => each.command === command);
    return (row: Row) => evaluate(rule ? part(rule) : NEVER, row, claims, internal);
  };
  return {
    sees: may("select", ({ rows }) => rows),
    writes: may("insert", ({ rows }) => rows),
    changes: may("update", ({ rows }) => rows),
    makes: may("update", ({ becomes }) => becomes),
    deletes: may("delete", ({ rows }) => rows),
    has: {
      select: rules.some(({ command }) => command === "select"),
      insert: rules.some(({ command }) => command === "insert"),
      update: rules.some(({ command }) => command === "update"),
      delete: rules.some(({ command }) => command === "delete"),
    },
  };
}

function everything(table: ProbedTable, rights: Rights): Attempt[] {
  return [
    ...blind(table, rights, moves(table.domain)),
    ...table.rows.flatMap((row) => [
      ...change(table, rights, row),
      ...insert(table, rights, row),
      ...conflict(table, rights, row),
      ...merge(table, rights, row),
    ]),
  ];
}

/** The whole table at once. A change that reads nothing asks for no SELECT: the policy of its own command alone decides. */
function* blind(
  table: ProbedTable,
  { sees, changes, makes, deletes }: Rights,
  moves: readonly Row[],
): Generator<Attempt> {
  const { name, rows } = table;
  const seen = rows.filter(({ values }) => sees(values));
  const select = `SELECT string_agg(probe::text, ' ' ORDER BY probe) FROM ${name}`;
  yield { sql: select, answer: "rows", expected: numbers(seen) };
  const locked = seen.filter(({ values }) => changes(values));
  const lock = `SELECT string_agg(probe::text, ' ' ORDER BY probe) FROM (SELECT probe FROM ${name} FOR UPDATE) locked`;
  yield { sql: lock, answer: "rows", expected: numbers(locked) };
  yield { sql: `SET LOCAL row_security = off; ${select}`, answer: "state", expected: AFFECTED };
  const kept = rows.filter(({ values }) => !deletes(values));
  yield { sql: `DELETE FROM ${name}`, answer: "state", expected: state(kept) };
  const gone = rows.filter(({ values }) => deletes(values) && sees(values));
  yield {
    sql: `DELETE FROM ${name} WHERE probe > 0`,
    answer: "state",
    expected: state(rows.filter((row) => !gone.includes(row))),
  };
  for (const move of moves) {
    const changed = rows.filter(({ values }) => changes(values));
    const wrong = changed.some(({ values }) => !makes({ ...values, ...move }));
    yield {
      sql: `UPDATE ${name} SET ${assignments(move)}`,
      answer: "state",
      expected: wrong ? VIOLATES : state(rows, changed),
    };
  }
}

/** Each value of a column, and of two at once: what is refused for one of them must not pass for the other. */
function moves(domain: Domain): Row[] {
  const columns = [...domain].map(([column, values]) => values.map((value): Row => ({ [column]: value })));
  const pairs = columns.flatMap((one, index) =>
    columns.slice(index + 1).flatMap((other) => one.flatMap((a) => other.map((b) => ({ ...a, ...b })))),
  );
  return [{}, ...columns.flat(), ...pairs];
}

/** One row, as it is and moved to each other value: to another tenant, another user, another state. */
function change(table: ProbedTable, rights: Rights, row: MarkedRow): Attempt[] {
  const { name, rows, domain } = table;
  const single: Row[] = [
    {},
    ...[...domain].flatMap(([column, values]) =>
      values.filter((value) => value !== row.values[column]).map((value) => ({ [column]: value })),
    ),
  ];
  return single.map((move) => ({
    sql: `UPDATE ${name} SET ${assignments(move)} WHERE probe = ${row.probe}`,
    answer: "state",
    expected: changed(rows, row, { ...row.values, ...move }, rights),
  }));
}

function changed(rows: readonly MarkedRow[], row: MarkedRow, after: Row, rights: Rights): string {
  if (!rights.sees(row.values) || !rights.changes(row.values)) return state(rows);
  return rights.makes(after) && rights.sees(after) ? state(rows, [row]) : VIOLATES;
}

function insert(table: ProbedTable, { writes, sees }: Rights, row: MarkedRow): Attempt[] {
  const added = { ...row, probe: NEW + row.probe };
  const sql = insertion(table, added.probe, row.values);
  const expected = writes(row.values) ? state([...table.rows, added]) : VIOLATES;
  const returned = writes(row.values) && sees(row.values);
  return [
    { sql, answer: "state", expected },
    {
      sql: `WITH added AS (${sql} RETURNING probe) SELECT probe::text FROM added`,
      answer: "rows",
      expected: returned ? String(added.probe) : VIOLATES,
    },
  ];
}

/** A row that is there already meets one that looks the same, and one of the first context's own. */
function conflict(table: ProbedTable, rights: Rights, row: MarkedRow): Attempt[] {
  const { rows, name } = table;
  const target = `ON CONFLICT (${["probe", ...Object.keys(table.fixed)].map(quoted).join(", ")})`;
  const given = [...new Set([row, rows[0] ?? row])];
  return given.flatMap((added): Attempt[] => {
    const sql = insertion(table, row.probe, added.values);
    // Which rows are there is read for it, so the new one has to be visible, too.
    const passes = rights.writes(added.values) && rights.sees(added.values);
    const before = rights.sees(row.values) && rights.changes(row.values);
    const after = rights.makes(row.values);
    return [
      {
        sql: `${sql} ${target} DO UPDATE SET touched = true WHERE ${name}.probe > 0`,
        answer: "state",
        expected: passes && before && after ? state(rows, [row]) : VIOLATES,
      },
      { sql: `${sql} ${target} DO NOTHING`, answer: "state", expected: passes ? state(rows) : VIOLATES },
    ];
  });
}

/** MERGE does not pass over a row that is seen and may not be changed: it fails. */
function merge(table: ProbedTable, rights: Rights, row: MarkedRow): Attempt[] {
  const { name, rows } = table;
  const matched = `MERGE INTO ${name} USING (VALUES (${row.probe})) AS given (n) ON ${name}.probe = given.n WHEN MATCHED THEN`;
  const seen = rights.sees(row.values);
  const may = (right: boolean, done: string) => (seen ? (right ? done : VIOLATES) : state(rows));
  return [
    {
      sql: `${matched} UPDATE SET touched = true`,
      answer: "state",
      expected: may(rights.changes(row.values) && rights.makes(row.values), state(rows, [row])),
    },
    {
      sql: `${matched} DELETE`,
      answer: "state",
      expected: may(rights.deletes(row.values), state(rows.filter((each) => each !== row))),
    },
  ];
}

/** A new row with these values. */
export function insertion(
  { name, fixed }: Pick<ProbedTable, "name" | "fixed">,
  probe: number,
  values: Row,
): string {
  const given = { ...fixed, ...values };
  const columns = ["probe", ...Object.keys(given)].map(quoted).join(", ");
  return `INSERT INTO ${name} (${columns}) VALUES (${[probe, ...Object.values(given)].map(literal).join(", ")})`;
}

const quoted = (column: string) => `"${column}"`;

function assignments(move: Row): string {
  return [
    "touched = true",
    ...Object.entries(move).map(([column, value]) => `${quoted(column)} = ${literal(value)}`),
  ].join(", ");
}

function numbers(rows: readonly MarkedRow[]): string {
  return rows.map(({ probe }) => probe).join(" ");
}

/** The table as it has to be afterwards: its rows by number, a changed one with a star. */
export function state(rows: readonly MarkedRow[], changed: readonly MarkedRow[] = []): string {
  return rows.map((row) => (changed.includes(row) ? `${row.probe}*` : String(row.probe))).join(" ");
}
