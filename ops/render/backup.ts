import type { LogStatus } from "../backup/log-status";
import type { Backup } from "../backup/manifest";
import type { HostRun } from "../backup/now";
import type { BackupStatus } from "../backup/status";
import type { Verification } from "../backup/verify";
import { type Column, painter, renderTable } from "./table";

interface Options {
  colour: boolean;
}

const whole: Column<Backup>[] = [
  { head: "database", cell: ({ database }) => database },
  { head: "host", cell: ({ host }) => host },
  { head: "run", cell: ({ run }) => run },
  { head: "tag", cell: ({ tag }) => tag },
  { head: "size", cell: ({ bytes }) => size(bytes), align: "right" },
  { head: "tables", cell: ({ rows }) => String(Object.keys(rows).length), align: "right" },
  { head: "rows", cell: ({ rows }) => String(rowCount(rows)), align: "right" },
];

export function renderBackups(backups: readonly Backup[]): string {
  return backups.length === 0 ? "no backups\n" : renderTable(whole, backups);
}

export function renderBackupStatus(
  statuses: readonly BackupStatus[],
  logs: readonly LogStatus[],
  { colour }: Options,
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
    { head: "state", cell: ({ state }) => (state === "good" ? good("good") : bad(state.toUpperCase())) },
  ];
  const faults = statuses.flatMap(({ database, reason }) => (reason ? [`${database}: ${reason}`] : []));
  const count = `${statuses.length - faults.length}/${statuses.length} well backed up`;
  const minutes = (age: number | undefined) =>
    age === undefined ? "never" : `${age.toFixed(0)} minutes ago`;
  const logLines = logs.map(({ host, ageMinutes, reason }) =>
    reason ? `${host}: ${bad(reason)}` : `${host}: log of changes sent ${minutes(ageMinutes)}`,
  );
  return `${renderTable(columns, statuses)}\n${[...faults, count, ...logLines].join("\n")}\n`;
}

export function renderVerifications(
  results: readonly Verification[],
  missing: readonly string[],
  { colour }: Options,
): string {
  const { good, bad } = painter(colour);
  const columns: Column<Verification>[] = [
    { head: "database", cell: ({ backup }) => backup.database },
    { head: "run", cell: ({ backup }) => backup.run },
    { head: "size", cell: ({ backup }) => size(backup.bytes), align: "right" },
    {
      head: "dump",
      cell: ({ plainBytes }) => (plainBytes === undefined ? "-" : size(plainBytes)),
      align: "right",
    },
    { head: "seconds", cell: ({ durationMs }) => (durationMs / 1000).toFixed(1), align: "right" },
    { head: "result", cell: ({ fault }) => (fault === undefined ? good("whole") : bad("FAILED")) },
  ];
  const faults = [
    ...results.flatMap(({ backup, fault }) => (fault ? [`${backup.database}: ${fault}`] : [])),
    ...missing,
  ];
  return renderTable(columns, results) + (faults.length > 0 ? `\n${faults.join("\n")}\n` : "");
}

export function renderRuns(runs: readonly HostRun[], { colour }: Options): string {
  const { good, bad } = painter(colour);
  const columns: Column<HostRun>[] = [
    { head: "host", cell: ({ host }) => host },
    { head: "run", cell: ({ manifest }) => manifest?.run ?? "-" },
    { head: "saved", cell: ({ manifest }) => String(manifest?.objects.length ?? 0), align: "right" },
    {
      head: "size",
      cell: ({ manifest }) => size(manifest?.objects.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0),
      align: "right",
    },
    {
      head: "seconds",
      cell: ({ manifest }) => (manifest ? (manifest.durationMs / 1000).toFixed(1) : "-"),
      align: "right",
    },
    { head: "result", cell: ({ fault }) => (fault === undefined ? good("saved") : bad("FAILED")) },
  ];
  const faults = runs.flatMap(({ host, fault }) => (fault ? [`${host}: ${fault}`] : []));
  return renderTable(columns, runs) + (faults.length > 0 ? `\n${faults.join("\n")}\n` : "");
}

/** `12.3 MiB` */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

export function rowCount(rows: Backup["rows"]): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}
