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
export function renderSecrets({ target, secrets }: SecretsReport, options: { colour: boolean }): string {
  const paint = painter(options.colour);
  const table = renderTable<SecretFound>(
    [
      { head: "secret", cell: ({ name }) => name },
      { head: "kept by", cell: ({ keptBy }) => keptBy },
      { head: "about", cell: ({ about }) => about ?? "-" },
      { head: "last written", cell: ({ updatedAt }) => updatedAt ?? "-" },
      { head: "in", cell: (found) => (found.in ? paint.good(found.in) : paint.bad("MISSING")) },
    ],
    secrets,
  );
  const missing = (keptBy: SecretFound["keptBy"]) =>
    secrets.filter((found) => !found.in && found.keptBy === keptBy).map(({ name }) => name);
  const hint = (names: string[], fix: string) => (names.length > 0 ? [`${names.join(", ")}: ${fix}\n`] : []);
  const there = secrets.filter((found) => found.in).length;
  return [
    table,
    ...hint(missing("program"), "not there; run: pulumi refresh, then pulumi up"),
    ...hint(missing("operator"), `not there; set each: gh secret set NAME --env ${target.environment}`),
    `${there}/${secrets.length} secrets in ${target.environment} of ${target.repository}\n`,
  ].join("\n");
}

export function renderSecretsJson({ stack, target, secrets }: SecretsReport): string {
  const ok = secrets.every((found) => found.in);
  return renderJson({ stack, ok, repository: target.repository, environment: target.environment, secrets });
}
