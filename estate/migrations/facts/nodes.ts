/** A node of PostgreSQL's own parse tree, `{ FuncCall: { funcname: [...] } }`, or what is in one. */
export type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function node(value: unknown): Node | undefined {
  return isNode(value) ? value : undefined;
}

export function list(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** What is under a node of one type: `part(n, "FuncCall")`. */
export function part(of: Node | undefined, type: string): Node | undefined {
  return node(of?.[type]);
}

/** What is under the nodes of one type in a list. */
export function parts(of: unknown, type: string): Node[] {
  return list(of).flatMap((each) => {
    const found = part(each, type);
    return found ? [found] : [];
  });
}

/** `{ String: { sval } }` of a list of names. */
export function texts(names: unknown): string[] {
  return list(names).map((each) => word(part(each, "String")?.sval ?? ""));
}

/** Numbers and booleans as the parser writes them, and nothing where there is none. */
export function word(value: unknown): string {
  return value === undefined || value === null || typeof value === "object" ? "" : String(value);
}

export interface Visit {
  node: Node;
  /** From the root on. */
  above: readonly Node[];
}

/** Every node of the tree with those above it. */
export function* visit(tree: Node, above: readonly Node[] = []): Generator<Visit> {
  yield { node: tree, above };
  const inner = [...above, tree];
  for (const value of Object.values(tree)) yield* inside(value, inner);
}

function* inside(value: unknown, above: readonly Node[]): Generator<Visit> {
  if (Array.isArray(value)) for (const each of value) yield* inside(each, above);
  else if (isNode(value)) yield* visit(value, above);
}
