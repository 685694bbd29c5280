import type { PostgresConnection } from "../../connect/postgres";
import { PROJECT, type SecuredDatabase, TENANT } from "./database";
import { type Operation, operations } from "./operations";
import { explain, type Shape } from "./plan";

/** Alternating pairs of samples for each operation. */
const ROUNDS = { page: 15, row: 25 } as const;

export interface Comparison extends Pick<Operation, "kind" | "size"> {
  /** Rows that the statement gives or changes; the same on both sides. */
  rows: number;
  /** Milliseconds of one statement, the median. */
  plainMs: number;
  guardedMs: number;
  /** The median of the ratios of the pairs: whatever else the machine does falls on both of a pair. */
  ratio: number;
  plan: Shape;
}

export interface RowSecurityTimes {
  version: string;
  comparisons: Comparison[];
  /** Microseconds that one look at the signed context takes. */
  contextUs: number;
  /** Milliseconds for taking the identity and giving the context, once a request. */
  requestMs: number;
}

/** Throws where a plan computes the context for every row or reads the table without an index, or both sides differ in rows. */
export async function measureRowSecurity(database: SecuredDatabase): Promise<RowSecurityTimes> {
  const { guarded, plain, context, version } = database;
  const [{ id } = { id: "" }] = await plain.query<{ id: string }>(
    "SELECT id FROM public.tasks WHERE organization_id = $1 AND project_id = $2 ORDER BY id LIMIT 1",
    [TENANT, PROJECT],
  );
  const comparisons: Comparison[] = [];
  for (const operation of operations(id)) {
    const plan = await explain(guarded, context, operation.guarded);
    comparisons.push({ ...(await compare(database, operation)), plan });
  }
  return {
    version,
    comparisons,
    contextUs: await contextPrice(guarded, context),
    requestMs: await requestPrice(guarded, context),
  };
}

async function compare(
  { guarded, plain, context, settle }: SecuredDatabase,
  operation: Operation,
): Promise<Omit<Comparison, "plan">> {
  const side = async (connection: PostgresConnection, begin: readonly string[], statement: string) => {
    if (writes(statement)) await settle();
    return sample(connection, begin, statement, operation.times);
  };
  const sides = [
    () => side(plain, [], operation.plain),
    () => side(guarded, context, operation.guarded),
  ] as const;
  // Warm: both have read every page that they will read.
  const [one, other] = [await sides[0](), await sides[1]()];
  if (one.rows !== other.rows || one.rows === 0)
    throw new Error(`${operation.kind}: ${one.rows} rows without row security, ${other.rows} with it`);
  const times: [number, number][] = [];
  for (let round = 0; round < ROUNDS[operation.size]; round++) {
    // In turn, and each first as often as the other.
    if (round % 2 === 0) {
      const first = await sides[0]();
      times.push([first.ms, (await sides[1]()).ms]);
    } else {
      const first = await sides[1]();
      times.push([(await sides[0]()).ms, first.ms]);
    }
  }
  return {
    kind: operation.kind,
    size: operation.size,
    rows: one.rows,
    plainMs: median(times.map(([ms]) => ms)),
    guardedMs: median(times.map(([, ms]) => ms)),
    ratio: median(times.map(([without, with_]) => with_ / without)),
  };
}

/** Milliseconds of one statement as its client waits for it. What it writes is rolled back. */
async function sample(
  connection: PostgresConnection,
  context: readonly string[],
  statement: string,
  times: number,
): Promise<{ ms: number; rows: number }> {
  await begin(connection, context);
  try {
    const begun = performance.now();
    let rows = 0;
    for (let time = 0; time < times; time++) rows = (await connection.query(statement)).length;
    const ms = (performance.now() - begun) / times;
    return { ms, rows: writes(statement) ? await changed(connection, statement) : rows };
  } finally {
    await connection.query("ROLLBACK");
  }
}

const writes = (statement: string) => /^\s*(INSERT|UPDATE)/.test(statement);

/** Rows that a write changes, counted apart from the measurement. */
async function changed(connection: PostgresConnection, statement: string): Promise<number> {
  return (await connection.query(`${statement} RETURNING id`)).length;
}

async function begin(connection: PostgresConnection, context: readonly string[]): Promise<void> {
  await connection.query("BEGIN");
  for (const each of context) await connection.query(each);
}

/** A STABLE function that is not wrapped is called for every row: the difference to a constant is its price. */
async function contextPrice(guarded: PostgresConnection, context: readonly string[]): Promise<number> {
  const calls = 20_000;
  const time = async (what: string) => {
    await begin(guarded, context);
    const begun = performance.now();
    await guarded.query(`SELECT count(${what}) FROM generate_series(1, ${calls}) n`);
    const ms = performance.now() - begun;
    await guarded.query("ROLLBACK");
    return ms;
  };
  const differences: number[] = [];
  for (let round = 0; round < 5; round++)
    differences.push((await time("context.tenant()")) - (await time("n")));
  return (median(differences) * 1000) / calls;
}

async function requestPrice(guarded: PostgresConnection, context: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    await guarded.query("BEGIN");
    const begun = performance.now();
    for (const each of context) await guarded.query(each);
    times.push(performance.now() - begun);
    await guarded.query("ROLLBACK");
  }
  return median(times);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
