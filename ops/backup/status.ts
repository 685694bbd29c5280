import { keptUnder } from "../../estate/saved";
import type { ServerName } from "../../estate/types";
import { beginOf } from "./keys";
import { ACCOUNTS, type Backup, backupsOf, type Manifest, type Proof, type StoredManifest } from "./manifest";

/** A daily backup, and two hours for a slow one; of a queue an hourly one. */
const OLDEST_GOOD_HOURS = { daily: 26, queue: 3 };

/** Hours after which the newest backup on a host is too old. */
export const oldestGoodHours = (host: ServerName): number => OLDEST_GOOD_HOURS[keptUnder(host)];
/** Each database has its turn within a week. */
export const OLDEST_PROOF_DAYS = 8;

export type BackupState = "good" | "old" | "failed" | "missing" | "unproven";

export interface BackupStatus {
  database: string;
  host: string;
  /**
   * `failed`: the newest run that tried did not save it; `missing`: there is none, or the bucket lost it; `unproven`: no copy of it was
   * loaded of late, or the last one could not be.
   */
  state: BackupState;
  /** The newest one that was saved. */
  newest: Backup | undefined;
  ageHours: number | undefined;
  /** The last time that a dump was loaded on its way; undefined: none was, as far as was looked. */
  proof: (Proof & { run: string }) | undefined;
  /** undefined: none of it is made on that host. */
  proofAgeDays: number | undefined;
  /** What is wrong; undefined: nothing. */
  reason: string | undefined;
}

export interface Wanted {
  database: string;
  host: ServerName;
  /** Whether dumps are proven on that host. */
  proves: boolean;
}

/** How a database is backed up, by its host's manifests, newest first. `faultOf`: what is wrong with what the bucket holds of a dump. */
export async function backupStatus(
  { database, host, proves }: Wanted,
  manifests: readonly StoredManifest[],
  faultOf: (backup: Backup) => Promise<string | undefined>,
  now: Date,
): Promise<BackupStatus> {
  const tried = manifests.find((manifest) => concerns(manifest, database));
  const backups = manifests.flatMap(backupsOf).filter((backup) => backup.database === database);
  const [newest] = backups;
  const ageHours = newest && (now.getTime() - madeAt(newest).getTime()) / 3_600_000;
  const proof = proofOf(backups);
  const proofAgeDays = proof && (now.getTime() - Date.parse(proof.at)) / 86_400_000;
  const status = (state: BackupState, reason?: string): BackupStatus => ({
    database,
    host,
    state,
    newest,
    ageHours,
    proof,
    proofAgeDays,
    reason,
  });
  if (!newest || ageHours === undefined) {
    return status(tried ? "failed" : "missing", tried ? `run ${tried.run} failed` : "there is no backup");
  }
  const fault = await faultOf(newest);
  if (fault !== undefined) return status("missing", fault);
  if (tried?.failed.includes(database)) return status("failed", `run ${tried.run} failed`);
  const oldest = oldestGoodHours(host);
  if (ageHours > oldest) {
    return status("old", `the newest is ${Math.floor(ageHours)} h old, more than ${oldest} h`);
  }
  const unproven = needsProof({ database, proves })
    ? proofFault(proof, proofAgeDays, isNew(backups, now))
    : undefined;
  return unproven === undefined ? status("good") : status("unproven", unproven);
}

function madeAt({ finished, stored }: Backup): Date {
  return new Date(earlier(finished, stored));
}

/** A host's word for a time, or the bucket's where that is earlier. */
function earlier(said: string, stored: Date | undefined): string {
  return stored && stored.getTime() < Date.parse(said) ? stored.toISOString() : said;
}

function proofOf(backups: readonly Backup[]): BackupStatus["proof"] {
  const [found] = backups.flatMap(({ proof, run, stored }) =>
    proof ? [{ ...proof, at: earlier(proof.at, stored), run }] : [],
  );
  return found;
}

/** Its turn may not have come yet. */
function isNew(backups: readonly Backup[], now: Date): boolean {
  return backups.every(({ run }) => now.getTime() - beginOf(run).getTime() < OLDEST_PROOF_DAYS * 86_400_000);
}

function proofFault(
  proof: BackupStatus["proof"],
  ageDays: number | undefined,
  isNew: boolean,
): string | undefined {
  if (!proof || ageDays === undefined) {
    return isNew ? undefined : `no copy of it was proven by loading it in ${OLDEST_PROOF_DAYS} days`;
  }
  if (!proof.ok) return `run ${proof.run} could not be loaded: ${proof.words ?? "it does not say why"}`;
  if (ageDays <= OLDEST_PROOF_DAYS) return undefined;
  return `the last proof by loading is ${Math.floor(ageDays)} days old, more than ${OLDEST_PROOF_DAYS}`;
}

const needsProof = ({ database, proves }: Pick<Wanted, "database" | "proves">) =>
  proves && database !== ACCOUNTS;

/** What was read, newest first, tells of every database asked for: by one that was saved, and of its proof as far back as that counts. */
export function tellsOfAll(
  manifests: readonly Manifest[],
  wanted: readonly Pick<Wanted, "database" | "proves">[],
  now: Date,
): boolean {
  const objects = manifests.flatMap((manifest) => manifest.objects);
  const saved = new Set(objects.map(({ database }) => database));
  const proven = new Set(objects.flatMap(({ database, proof }) => (proof ? [database] : [])));
  const last = manifests.at(-1);
  const far =
    last !== undefined && now.getTime() - beginOf(last.run).getTime() > (OLDEST_PROOF_DAYS + 1) * 86_400_000;
  return wanted.every(
    (each) => saved.has(each.database) && (far || !needsProof(each) || proven.has(each.database)),
  );
}

function concerns({ failed, objects }: Manifest, database: string): boolean {
  return failed.includes(database) || objects.some((object) => object.database === database);
}
