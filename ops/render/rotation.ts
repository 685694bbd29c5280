import type { RotationStatus } from "../rotate/status";
import { renderJson } from "./json";
import { type Column, painter, renderTable } from "./table";

export interface RotationReport {
  stack: string;
  today: string;
  rotations: readonly RotationStatus[];
}

export function renderRotationJson(report: RotationReport): string {
  return renderJson(report);
}

export function renderRotation(
  { today, rotations }: RotationReport,
  { colour }: { colour: boolean },
): string {
  const { bad } = painter(colour);
  const columns: Column<RotationStatus>[] = [
    { head: "name", cell: ({ name }) => name },
    { head: "server", cell: ({ server }) => server },
    { head: "generation", cell: ({ generation }) => String(generation), align: "right" },
    { head: "since", cell: ({ since }) => since },
    { head: "age days", cell: ({ ageDays }) => String(ageDays), align: "right" },
    { head: "due", cell: ({ due, overdue }) => (overdue ? bad(`${due} OVERDUE`) : due) },
    { head: "former password", cell: former },
  ];
  const overdue = rotations.filter((each) => each.overdue).length;
  const open = rotations.filter(({ formerUntil }) => formerUntil !== undefined).length;
  const count = `${rotations.length} passwords on ${today}: ${overdue} overdue, ${open} with a former one that still logs in`;
  return `${renderTable(columns, rotations)}\n${count}\n`;
}

function former({ formerUntil, formerSessions, leaked, generation }: RotationStatus): string {
  if (formerUntil === undefined) return leaked ? "leaked, retired" : generation > 1 ? "retired" : "-";
  const sessions = formerSessions === undefined ? "" : `, ${formerSessions} sessions`;
  return `valid until ${formerUntil}${sessions}`;
}
