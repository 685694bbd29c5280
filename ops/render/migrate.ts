import type { MigrationEvent } from "../../migrate/types";
import type { MigrationStatus } from "../migrate/status";
import { isVerified, type Verification } from "../migrate/verify";
import { renderJson } from "./json";
import { printableLine } from "./printable";
import { type Column, painter, renderTable } from "./table";

interface Options {
  colour: boolean;
}

export function renderStatus(statuses: readonly MigrationStatus[], { colour }: Options): string {
  return (
    renderTable(
      columns(colour, (status) => status.state),
      statuses,
    ) + reasons(statuses)
  );
}

export function renderVerification(results: readonly Verification[], { colour }: Options): string {
  const table = renderTable(
    columns(colour, (result) =>
      isVerified(result) ? (result.state === "application" ? "application" : "ok") : "FAILED",
    ),
    results,
  );
  const differences = results.flatMap(({ name, differences = [] }) =>
    differences.flatMap(({ object, is, lines }) => [
      `${name}: ${printableLine(object)} is ${explain[is]}`,
      ...lines.map((line) => `  ${printableLine(line)}`),
    ]),
  );
  const pending = results.flatMap(({ name, state, pending }) =>
    state === "pending" ? [`${name}: not applied yet: ${pending.join(", ")}`] : [],
  );
  return table + reasons(results) + section([...pending, ...differences]);
}

const explain = {
  missing: "missing: a migration made it and it is gone",
  extra: "no migration's: somebody made it by hand",
  different: "not as its migrations make it (- should be, + is)",
};

function columns<Row extends MigrationStatus>(colour: boolean, state: (row: Row) => string): Column<Row>[] {
  const { good, bad } = painter(colour);
  const paint = (text: string) =>
    ["faulty", "unknown", "FAILED"].includes(text)
      ? bad(text)
      : ["current", "ok"].includes(text)
        ? good(text)
        : text;
  return [
    { head: "database", cell: ({ name }) => name },
    { head: "server", cell: ({ server }) => server },
    {
      head: "version",
      cell: ({ state, version }) => (["application", "unknown"].includes(state) ? "-" : String(version)),
      align: "right",
    },
    { head: "files", cell: ({ latest }) => (latest === 0 ? "-" : String(latest)), align: "right" },
    { head: "state", cell: (row) => paint(state(row)) },
    { head: "pending", cell: ({ pending }) => pending.join(", ") },
  ];
}

/** Why a schema is its application's, and every fault. */
function reasons(statuses: readonly MigrationStatus[]): string {
  return section(
    statuses.flatMap(({ name, state, reasons }) =>
      reasons.map(
        (reason) => `${name}: ${state === "application" ? "migrated by its application: " : ""}${reason}`,
      ),
    ),
  );
}

function section(lines: readonly string[]): string {
  return lines.length > 0 ? `\n${lines.join("\n")}\n` : "";
}

/** One line for each thing that begins or ends. */
export function renderEvent(event: MigrationEvent): string {
  const { database } = event;
  switch (event.type) {
    case "waiting":
      return `${database}: waiting for another run that is migrating it`;
    case "started":
      return `${database}: ${event.id} ${event.direction === "up" ? "applying" : "taking back"} (${statements(event.steps)})`;
    case "resumed":
      return `${database}: ${event.id} resuming at statement ${event.step + 1} of ${event.steps}`;
    case "retried":
      return `${database}: ${event.id} is tried again: ${event.reason}`;
    case "finished":
      return `${database}: ${event.id} ${event.direction === "up" ? "applied" : "taken back"} in ${event.durationMs} ms`;
  }
}

function statements(count: number): string {
  return count === 1 ? "1 statement" : `${count} statements`;
}

/** What a run did to one database. */
export interface RunResult {
  name: string;
  done: string[];
  /** Why it stopped; undefined: it did not. */
  error?: string;
}

export function renderRun(
  results: readonly RunResult[],
  what: { direction: "up" | "down"; dryRun: boolean },
): string {
  const verb = what.direction === "up" ? (what.dryRun ? "would apply" : "applied") : "took back";
  const lines = results.flatMap(({ name, done, error }) => [
    ...(done.length > 0 ? [`${name}: ${verb} ${done.join(", ")}`] : []),
    ...(error ? [`${name}: FAILED: ${error}`] : []),
  ]);
  return `${lines.length > 0 ? lines.join("\n") : "nothing to do"}\n`;
}

export function renderMigrationJson(report: object): string {
  return renderJson(report);
}
