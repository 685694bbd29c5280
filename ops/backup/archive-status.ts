import type { Backup } from "./manifest";

export interface ArchiveStatus {
  database: string;
  host: string;
  /** The last month that is over, `2026-10`. */
  month: string;
  /** `unproven`: what is kept of it was never loaded. */
  state: "good" | "unproven" | "missing";
  run: string | undefined;
  /** What is wrong, or not as it should be; undefined: nothing. */
  reason: string | undefined;
}

/** A month's archive is written by the first run of the next. */
const GRACE_MS = 30 * 3_600_000;

/**
 * Whether a database's last month is in the archive. undefined: there is nothing to be archived yet: it has no run of that month, or the
 * month has only just ended. `runs`: those whose dump of it is in the bucket, by name.
 */
export function archiveStatus(
  { database, host }: { database: string; host: string },
  archived: readonly Backup[],
  runs: readonly string[],
  now: Date,
): ArchiveStatus | undefined {
  const begin = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const month = new Date(begin.getTime() - 1).toISOString().slice(0, 7);
  const found = archived.find((backup) => backup.database === database && backup.archive === month);
  const status = (state: ArchiveStatus["state"], reason?: string): ArchiveStatus => ({
    database,
    host,
    month,
    state,
    run: found?.run,
    reason,
  });
  if (!found) {
    const expected = runs.some((run) => run.startsWith(month.replace("-", "")));
    if (!expected || now.getTime() < begin.getTime() + GRACE_MS) return undefined;
    return status("missing", `${month} is not in the archive`);
  }
  if (found.proof?.ok) return status("good");
  return status(
    "unproven",
    `${month} is in the archive (run ${found.run}), and was not proven by loading it`,
  );
}
