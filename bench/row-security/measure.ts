import { readFileSync } from "node:fs";
import type { PostgresConnection } from "../../connect/postgres";
import { PROJECT, type SecuredDatabase, TENANT } from "./database";
import { type Operation, operations } from "./operations";
import { explain, type Shape } from "./plan";

/** Alternating pairs of samples for each operation; between those of many rows written the table is cleaned, which takes a while. */
const ROUNDS = { read: 61, write: 21 } as const;

export interface Comparison extends Pick<Operation, "kind" | "size"> {
  /** Rows that the statement gives or changes; the same on both sides. */
  rows: number;
  /** Milliseconds of one statement: the fastest sample, for whatever else the machine does only adds. */
  plainMs: number;
  guardedMs: number;
  ratio: number;
  /**
   * Of the time that the server's process was on a processor, medians. It is what the budget is about: neither the network nor
   * what others do on the machine is in it.
   */
  serverRatio: number;
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
  const prepare = async (connection: PostgresConnection, context: readonly string[], statement: string) => {
    const rows = await rowsOf(connection, context, statement);
    const [{ pid } = { pid: 0 }] = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const take = async () => {
      // A thousand dead rows would be in the way of the next thousand.
      if (operation.size === "page" && writes(statement)) await settle();
      return sample(connection, pid, context, statement, operation.times);
    };
    return { rows, take, samples: [] as Sample[] };
  };
  await settle();
  // Both have read every page that they will read.
  const without = await prepare(plain, [], operation.plain);
  const within = await prepare(guarded, context, operation.guarded);
  if (without.rows !== within.rows || without.rows === 0)
    throw new Error(`${operation.kind}: ${without.rows} rows without row security, ${within.rows} with it`);
  const rounds = ROUNDS[operation.size === "page" && writes(operation.plain) ? "write" : "read"];
  for (let round = 0; round < rounds; round++) {
    // In turn, and each first as often as the other.
    const turn = round % 2 === 0 ? [without, within] : [within, without];
    for (const each of turn) each.samples.push(await each.take());
  }
  const fastest = ({ samples }: { samples: Sample[] }) => Math.min(...samples.map(({ ms }) => ms));
  const worked = ({ samples }: { samples: Sample[] }) => median(samples.map(({ serverMs }) => serverMs));
  const [plainMs, guardedMs] = [fastest(without), fastest(within)];
  return {
    kind: operation.kind,
    size: operation.size,
    rows: without.rows,
    plainMs,
    guardedMs,
    ratio: guardedMs / plainMs,
    serverRatio: worked(within) / worked(without),
  };
}

interface Sample {
  ms: number;
  serverMs: number;
}

/** Milliseconds of one statement, as its client waits for it and as the server works. What it writes is rolled back. */
async function sample(
  connection: PostgresConnection,
  pid: number,
  context: readonly string[],
  statement: string,
  times: number,
): Promise<Sample> {
  await begin(connection, context);
  try {
    const workedBefore = workedMs(pid);
    const begun = performance.now();
    for (let time = 0; time < times; time++) await connection.query(statement);
    const ms = (performance.now() - begun) / times;
    return { ms, serverMs: (workedMs(pid) - workedBefore) / times };
  } finally {
    await connection.query("ROLLBACK");
  }
}

/** Time that a process of this machine has been on a processor. */
function workedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

const writes = (statement: string) => /^\s*(INSERT|UPDATE)/.test(statement);

/** How many rows a statement gives or changes. */
async function rowsOf(
  connection: PostgresConnection,
  context: readonly string[],
  statement: string,
): Promise<number> {
  await begin(connection, context);
  const counted = writes(statement) ? `${statement} RETURNING id` : statement;
  return (await connection.query(counted).finally(() => connection.query("ROLLBACK"))).length;
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
