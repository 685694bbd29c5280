import { type Backup, backupsOf, type Manifest } from "./manifest";

/** A daily backup, and two hours for a slow one. */
export const OLDEST_GOOD_HOURS = 26;

export type BackupState = "good" | "old" | "failed" | "missing";

export interface BackupStatus {
  database: string;
  host: string;
  /** `failed`: the newest run that tried did not save it; `missing`: there is none, or the bucket lost it. */
  state: BackupState;
  /** The newest one that was saved. */
  newest: Backup | undefined;
  ageHours: number | undefined;
  /** What is wrong; undefined: nothing. */
  reason: string | undefined;
}

export interface Wanted {
  database: string;
  host: string;
}

/**
 * How a database is backed up, by its host's manifests, newest first. `sizeOf`: what the bucket holds of a key now;
 * undefined: nothing.
 */
export async function backupStatus(
  { database, host }: Wanted,
  manifests: readonly Manifest[],
  sizeOf: (key: string) => Promise<number | undefined>,
  now: Date,
): Promise<BackupStatus> {
  const tried = manifests.find((manifest) => concerns(manifest, database));
  const newest = manifests.flatMap(backupsOf).find((backup) => backup.database === database);
  const ageHours = newest && (now.getTime() - Date.parse(newest.finished)) / 3_600_000;
  const status = (state: BackupState, reason?: string): BackupStatus => ({
    database,
    host,
    state,
    newest,
    ageHours,
    reason,
  });
  if (!newest || ageHours === undefined) {
    return status(tried ? "failed" : "missing", tried ? `run ${tried.run} failed` : "there is no backup");
  }
  const bytes = await sizeOf(newest.key);
  if (bytes === undefined) return status("missing", `the bucket no longer holds ${newest.key}`);
  if (bytes !== newest.bytes) {
    return status("missing", `${newest.key} has ${bytes} bytes; its manifest says ${newest.bytes}`);
  }
  if (tried?.failed.includes(database)) return status("failed", `run ${tried.run} failed`);
  if (ageHours > OLDEST_GOOD_HOURS) {
    return status("old", `the newest is ${Math.floor(ageHours)} h old, more than ${OLDEST_GOOD_HOURS} h`);
  }
  return status("good");
}

/** Every database asked for is told of, by one that was saved. */
export function tellsOfAll(manifests: readonly Manifest[], databases: readonly string[]): boolean {
  const saved = new Set(manifests.flatMap(({ objects }) => objects.map(({ database }) => database)));
  return databases.every((database) => saved.has(database));
}

function concerns({ failed, objects }: Manifest, database: string): boolean {
  return failed.includes(database) || objects.some((object) => object.database === database);
}
