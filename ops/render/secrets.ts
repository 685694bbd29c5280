import type { GithubTarget } from "../../estate/types";
import type { SecretFound } from "../secrets/check";
import { renderJson } from "./json";
import { painter, renderTable } from "./table";

export interface SecretsReport {
  stack: string;
  target: GithubTarget;
  secrets: readonly SecretFound[];
}

/** The table, then what is missing and how it gets there, then the closing line. */
export function renderSecrets(
  { stack, target, secrets }: SecretsReport,
  options: { colour: boolean },
): string {
  const paint = painter(options.colour);
  const table = renderTable<SecretFound>(
    [
      { head: "secret", cell: ({ name }) => name },
      { head: "kept by", cell: ({ keptBy }) => keptBy },
      { head: "about", cell: ({ about }) => about ?? "-" },
      { head: "last written", cell: ({ updatedAt }) => updatedAt ?? "-" },
      { head: "in", cell: (found) => (isRight(found) ? paint.good : paint.bad)(wordFor(found)) },
    ],
    secrets,
  );
  const missing = (keptBy: SecretFound["keptBy"]) =>
    secrets.filter((found) => !found.in && found.keptBy === keptBy).map(({ name }) => name);
  const hint = (names: string[], fix: string) => (names.length > 0 ? [`${names.join(", ")}: ${fix}\n`] : []);
  const changed = secrets.filter(({ own }) => !own).map(({ name }) => name);
  const there = secrets.filter(isRight).length;
  return [
    table,
    ...hint(missing("program"), `not there; run: pulumi up --stack ${stack} --refresh`),
    ...hint(changed, `last written by somebody else; run: pulumi up --stack ${stack} --refresh`),
    ...hint(missing("operator"), `not there; set each: gh secret set NAME --env ${target.environment}`),
    `${there}/${secrets.length} secrets in ${target.environment} of ${target.repository}\n`,
  ].join("\n");
}

/** It is there, and the program's own write was the last one. */
export function isRight({ in: where, own }: SecretFound): boolean {
  return where !== undefined && own;
}

function wordFor({ in: where, own }: SecretFound): string {
  if (where === undefined) return "MISSING";
  return own ? where : "OVERWRITTEN";
}

export function renderSecretsJson({ stack, target, secrets }: SecretsReport): string {
  const ok = secrets.every(isRight);
  return renderJson({ stack, ok, repository: target.repository, environment: target.environment, secrets });
}
