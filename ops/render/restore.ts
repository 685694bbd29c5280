import type { RestoreResult } from "../restore/run";
import { printable } from "./printable";
import { type Column, painter, renderTable } from "./table";

export function renderRestores(results: readonly RestoreResult[], { colour }: { colour: boolean }): string {
  const { good, bad } = painter(colour);
  const columns: Column<RestoreResult>[] = [
    { head: "database", cell: ({ database }) => database },
    { head: "into", cell: ({ into }) => into },
    { head: "run", cell: ({ run }) => run },
    { head: "rows", cell: ({ rows }) => String(rows), align: "right" },
    { head: "seconds", cell: ({ durationMs }) => (durationMs / 1000).toFixed(1), align: "right" },
    {
      head: "closed ms",
      cell: ({ closedMs }) => (closedMs === undefined ? "-" : String(closedMs)),
      align: "right",
    },
    { head: "result", cell: ({ fault }) => (fault ? bad("FAILED") : good("restored")) },
  ];
  const lines = results.flatMap(({ database, fault, replaced }) => [
    ...(fault ? [`${database}: ${printable(fault.reason)}\n  ${explain[fault.live]}`] : []),
    ...(replaced
      ? [
          `${database}: what it held before is kept as ${replaced}. Drop it: estate restore ${database} --drop-replaced`,
        ]
      : []),
  ]);
  return renderTable(columns, results) + (lines.length > 0 ? `\n${lines.join("\n")}\n` : "");
}

const explain = {
  untouched: "the live database is as it was",
  replaced: "the live database is the restored one",
  unknown: "whether the live database was replaced is not known: look at the host, or run the restore again",
};
