import type { ArchiveStatus } from "../backup/archive-status";
import type { CopyStatus, LogStatus } from "../backup/recovery-status";
import type { BackupStatus } from "../backup/status";
import { noteLines, size } from "./backup";
import { type Column, painter, renderTable } from "./table";

interface AllStatus {
  results: readonly BackupStatus[];
  logs: readonly LogStatus[];
  copies: readonly CopyStatus[];
  archives: readonly ArchiveStatus[];
}

export function renderBackupStatus(
  { results, logs, copies, archives }: AllStatus,
  { colour }: { colour: boolean },
): string {
  const { good, bad } = painter(colour);
  const columns: Column<BackupStatus>[] = [
    { head: "database", cell: ({ database }) => database },
    { head: "host", cell: ({ host }) => host },
    { head: "newest", cell: ({ newest }) => newest?.run ?? "-" },
    {
      head: "age h",
      cell: ({ ageHours }) => (ageHours === undefined ? "-" : ageHours.toFixed(1)),
      align: "right",
    },
    { head: "size", cell: ({ newest }) => (newest ? size(newest.bytes) : "-"), align: "right" },
    {
      head: "proven d",
      cell: ({ proof, proofAgeDays }) =>
        proof?.ok && proofAgeDays !== undefined ? proofAgeDays.toFixed(1) : "no proof",
      align: "right",
    },
    { head: "state", cell: ({ state }) => (state === "good" ? good("good") : bad(state.toUpperCase())) },
  ];
  const faults = results.flatMap(({ database, reason }) => (reason ? [`${database}: ${reason}`] : []));
  const count = `${results.length - faults.length}/${results.length} well backed up`;
  const minutes = (age: number | undefined) =>
    age === undefined ? "never" : `${age.toFixed(0)} minutes ago`;
  const days = (age: number | undefined) => (age === undefined ? "-" : age.toFixed(1));
  const lines = [
    ...faults,
    count,
    ...noteLines(results.flatMap(({ newest }) => newest ?? [])),
    ...logs.map(({ host, ageMinutes, reason }) =>
      reason ? `${host}: ${bad(reason)}` : `${host}: log of changes sent ${minutes(ageMinutes)}`,
    ),
    ...copies.map(({ host, run, ageDays, verified, reason }) =>
      reason
        ? `${host}: ${bad(reason)}`
        : `${host}: physical copy ${run}, ${verified ? "verified" : "not verified"}, ${days(ageDays)} days old`,
    ),
    ...archives.map(({ database, month, run, reason }) =>
      reason ? `${database}: ${bad(reason)}` : `${database}: ${month} is in the archive, proven (run ${run})`,
    ),
  ];
  return `${renderTable(columns, results)}\n${lines.join("\n")}\n`;
}
