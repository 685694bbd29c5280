import type { PostgresConnection } from "../../connect/postgres";

interface PlanNode {
  "Node Type": string;
  "Parent Relationship"?: string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: PlanNode[];
  [detail: string]: unknown;
}

/** What a statement's plan under row security is made of. */
export interface Shape {
  initPlans: number;
  /** Indexes that the big table is read by; empty for an INSERT. */
  indexes: string[];
}

const TABLE = "tasks";

/**
 * Asks the planner, in the context of a request. Throws unless the context is computed in InitPlans alone, and `tasks` is read
 * by an index.
 */
export async function explain(
  connection: PostgresConnection,
  context: readonly string[],
  statement: string,
): Promise<Shape> {
  await connection.query("BEGIN");
  try {
    for (const each of context) await connection.query(each);
    const [row] = await connection.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `EXPLAIN (FORMAT JSON, VERBOSE) ${statement}`,
    );
    const root = row?.["QUERY PLAN"][0]?.Plan;
    if (!root) throw new Error(`no plan for ${statement}`);
    return judge(root, statement);
  } finally {
    await connection.query("ROLLBACK");
  }
}

export function judge(root: PlanNode, statement: string): Shape {
  const nodes = flat(root);
  const initPlans = nodes.filter((node) => node["Parent Relationship"] === "InitPlan");
  const fail = (what: string) => new Error(`${what}: ${statement.replace(/\s+/g, " ")}`);
  if (initPlans.length === 0) throw fail("no InitPlan: the context is not computed once a query");
  for (const node of nodes.filter((each) => !initPlans.includes(each))) {
    const { Plans: _below, Output: _output, ...details } = node;
    if (/\bcontext\.\w+\(/.test(JSON.stringify(details)))
      throw fail(`${node["Node Type"]} computes the context for every row`);
  }
  if (nodes.some((node) => node["Node Type"] === "Seq Scan" && node["Relation Name"] === TABLE))
    throw fail(`${TABLE} is read as a whole`);
  const indexes = nodes.flatMap((node) => node["Index Name"] ?? []).filter((name) => name.startsWith(TABLE));
  if (indexes.length === 0 && !/^\s*INSERT/.test(statement)) throw fail(`${TABLE} is read by no index`);
  return { initPlans: initPlans.length, indexes: [...new Set(indexes)] };
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}
