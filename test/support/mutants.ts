import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import type { Policies } from "@pulumi/policy";
import { build } from "esbuild";
import ts from "typescript";
import { projectDirectory } from "./run";

/** One clause of the pack: a place where a rule says that something is wrong. */
export interface Clause {
  /** `policy/rules/account-host-exact.ts:21` */
  at: string;
  text: string;
}

/** The pack with a switch before each clause. */
export interface MutablePack {
  rules: Policies;
  forget(): void;
  sayPreview(is: boolean): void;
  clauses: Clause[];
  /** Leaves a clause out; -1: none. */
  without(clause: number): void;
  /** The clauses that were reached since the last call. */
  reached(): Set<number>;
}

interface Switches {
  off: number;
  hits: Set<number>;
}

/** Builds the pack anew, once for all mutants: which clause is left out is said while it runs. */
export async function mutablePack(): Promise<MutablePack> {
  const clauses: Clause[] = [];
  const outfile = join(projectDirectory, "node_modules/.cache/estate/policy-mutants.cjs");
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    stdin: {
      contents: `export { rules } from "./policy/rules"; export { forget } from "./policy/rule"; export { sayPreview } from "./policy/run";`,
      resolveDir: projectDirectory,
      loader: "ts",
    },
    ...{ bundle: true, packages: "external", platform: "node", format: "cjs", logLevel: "silent", outfile },
    plugins: [
      {
        name: "clauses",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const source = readFileSync(path, "utf8")
              .replaceAll("__dirname", JSON.stringify(dirname(path)))
              .replaceAll("__filename", JSON.stringify(path));
            const mutable = /^(?:policy|estate\/migrations\/facts)\//.test(relative(projectDirectory, path));
            return { contents: mutable ? withSwitches(path, source, clauses) : source, loader: "ts" };
          });
        },
      },
    ],
  });
  const switches: Switches = { off: -1, hits: new Set() };
  (globalThis as unknown as { clauses: (index: number) => boolean }).clauses = (index) => {
    switches.hits.add(index);
    return switches.off !== index;
  };
  const require = createRequire(__filename);
  delete require.cache[outfile];
  const pack = require(outfile) as Pick<MutablePack, "rules" | "forget" | "sayPreview">;
  return {
    ...pack,
    clauses,
    without(clause) {
      switches.off = clause;
    },
    reached() {
      const { hits } = switches;
      switches.hits = new Set();
      return hits;
    },
  };
}

/** `yield x;` -> `if (clauses(3)) yield x;`, and the same of a fact that is noted and a fault that is returned. */
function withSwitches(path: string, source: string, clauses: Clause[]): string {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const places: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isClause(node)) places.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  const insertions = places.flatMap((node) => {
    const index = clauses.length;
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    clauses.push({ at: `${relative(projectDirectory, path)}:${line + 1}`, text: node.getText() });
    // In braces: an `else` behind it belongs to the `if` before it.
    return [
      { at: node.getStart(), text: `{ if (globalThis.clauses(${index})) ` },
      { at: node.getEnd(), text: " }" },
    ];
  });
  return insertions
    .sort((a, b) => b.at - a.at)
    .reduce((made, { at, text }) => made.slice(0, at) + text + made.slice(at), source);
}

function isClause(node: ts.Node): boolean {
  if (ts.isExpressionStatement(node)) {
    const { expression } = node;
    if (ts.isYieldExpression(expression)) return expression.asteriskToken === undefined;
    return (
      ts.isCallExpression(expression) &&
      /^(?:this\.)?note$|\.faults\.push$|^unknown\.push$/.test(expression.expression.getText())
    );
  }
  // A function that returns a fault or undefined.
  return ts.isReturnStatement(node) && node.expression !== undefined && isText(node.expression);
}

function isText(expression: ts.Expression): boolean {
  return ts.isTemplateExpression(expression) && /^`[^$]*[a-z]{3}/.test(expression.getText());
}
