import type { Backup } from "../backup/manifest";
import type { HostRun } from "../backup/now";
import { dumpKind, type Verification } from "../backup/verify";
import type { Finding } from "../backup/versions";
import { printableLine } from "./printable";
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

/** With what their hosts have noted of the newest one of each. */
export function renderBackups(backups: readonly Backup[]): string {
  if (backups.length === 0) return "no backups\n";
  const newest = backups.filter(
    (backup, at) =>
      backups.findIndex(({ database, host }) => database === backup.database && host === backup.host) === at,
  );
  const notes = noteLines(newest);
  return renderTable(whole, backups) + (notes.length > 0 ? `\n${notes.join("\n")}\n` : "");
}

/** What will not come back as it is, a line each. */
export function noteLines(backups: readonly Backup[]): string[] {
  return backups.flatMap(({ database, notes = [] }) => notes.map((note) => `${database}: noted: ${note}`));
}

const archived: Column<Backup>[] = [
  { head: "database", cell: ({ database }) => database },
  { head: "host", cell: ({ host }) => host },
  { head: "month", cell: ({ archive }) => archive ?? "-" },
  { head: "run", cell: ({ run }) => run },
  { head: "size", cell: ({ bytes }) => size(bytes), align: "right" },
  { head: "tables", cell: ({ rows }) => String(Object.keys(rows).length), align: "right" },
  { head: "rows", cell: ({ rows }) => String(rowCount(rows)), align: "right" },
  { head: "loaded", cell: ({ proof }) => (proof?.ok ? "proven" : "not proven") },
];

export function renderArchive(backups: readonly Backup[]): string {
  return backups.length === 0 ? "nothing is archived\n" : renderTable(archived, backups);
}

/** More of them would hide the first. */
const MOST_FINDINGS = 50;

/** What nobody of ours has done to the bucket; empty where there is nothing. */
export function renderFindings(findings: readonly Finding[], { colour }: Options): string {
  if (findings.length === 0) return "";
  const { bad } = painter(colour);
  const lines = findings
    .slice(0, MOST_FINDINGS)
    .map(
      ({ key, kind, reason }) => `${bad(kind.toUpperCase())} ${printableLine(key)}: ${printableLine(reason)}`,
    );
  const more = findings.length - lines.length;
  return [
    "",
    bad(`ATTACK: ${findings.length} objects of the bucket are not as our agents leave them`),
    ...lines,
    ...(more > 0 ? [`and ${more} more: --json shows all`] : []),
    "What to do: docs/runbooks/overwritten-backup.md",
    "",
  ].join("\n");
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
    ...results.flatMap(({ backup, fault }) => (fault ? [`${backup.database}: ${printableLine(fault)}`] : [])),
    ...missing,
  ];
  const said = [...faults, ...unread(results)];
  return renderTable(columns, results) + (said.length > 0 ? `\n${said.join("\n")}\n` : "");
}

/** A look at the end of an archive alone is less than its reader's word, and is not passed off as it. */
function unread(results: readonly Verification[]): string[] {
  const names = results
    .filter(({ backup, fault, archiveRead }) => !fault && !archiveRead && dumpKind(backup) === "pgdump")
    .map(({ backup }) => backup.database);
  if (names.length === 0) return [];
  return [
    `not read by pg_restore, which is not on PATH or older than the dump: ${names.join(", ")}. ` +
      "Install the package postgresql-client of the server's version",
  ];
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
  const faults = runs.flatMap(({ host, fault }) => (fault ? [`${host}: ${printableLine(fault)}`] : []));
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
