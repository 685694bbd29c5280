import { z } from "zod";
import type { Fault } from "./faults";
import type { BackupConfig, DatabaseEntry } from "./types";

/** Where backups go and how long each copy of personal data lives: the one place where that is declared. */

const days = (least: number, fallback: number) =>
  z
    .int("give whole days")
    .min(least, `give ${least} days or more`)
    .max(3650, "give 3650 days or fewer")
    .default(fallback);

/** London and Zurich are called eu- too, and lie outside of it. */
const euRegion = z
  .string()
  .regex(
    /^eu-(?!west-2$|central-2$)[a-z]+-\d$/,
    "keep the data in the European Union: eu-central-1 (Frankfurt), eu-west-1, ...",
  );

const retention = z.strictObject({
  localDays: days(1, 30),
  dailyDays: days(1, 90),
  // No shorter than what is locked.
  queueDays: days(1, 30),
  recoveryDays: days(1, 30),
  noncurrentDays: days(1, 14),
  lockDays: days(1, 30),
  erasureDays: days(1, 180),
  archive: z
    .strictObject({
      years: z.int("give whole years").min(1, "give 1 to 30 years").max(30, "give 1 to 30 years"),
      reason: z.string().min(10, "name the law that demands it, and what it demands it of"),
    })
    .optional(),
});

export const backupSchema: z.ZodType<BackupConfig> = z.strictObject({
  bucket: z
    .string()
    // Names of identities (64 characters) and of the copy (63) are made from it.
    .regex(/^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/, "use 3 to 40 lower-case letters, digits and hyphens"),
  region: euRegion,
  copyRegion: euRegion.optional(),
  endpoint: z
    .url({ protocol: /^https$/, error: "give the https URL of the S3-compatible service" })
    .optional(),
  caBundle: z.string().min(1, "give the path of a PEM file with the service's authority").optional(),
  recipients: z
    .array(
      z
        .string()
        .regex(
          /^(age1[02-9ac-hj-np-z]{58}|\/\S+)$/,
          "give a public key of age (age1..., of age-keygen), or the absolute path of a file with one a line",
        ),
    )
    .min(1, "name at least one key: nobody could read a backup. Best are two, the second one kept far away"),
  retention: retention.prefault({}),
});

/**
 * What does not fit together: a promise of erasure that a copy would outlive, and copies for years that no law asks for.
 * Fields with a fault of their own are left out.
 */
export function backupFaults(
  { copyRegion, region, retention }: BackupConfig,
  databases: readonly Pick<DatabaseEntry, "name" | "backup">[],
): Fault[] {
  const faults: Fault[] = [];
  const add = (field: string, value: unknown, fix: string) =>
    faults.push({ path: `backup.${field}`, value, fix });
  const { dailyDays, queueDays, recoveryDays, noncurrentDays, lockDays, localDays, erasureDays } = retention;

  const longest = dailyDays + recoveryDays + noncurrentDays + lockDays;
  if (queueDays > dailyDays) {
    const fix = `a queue is old after days: keep its copies for at most the ${dailyDays} days of a database's`;
    add("retention.queueDays", queueDays, fix);
  }
  if (erasureDays < longest) {
    const sum = `dailyDays ${dailyDays} + recoveryDays ${recoveryDays} + noncurrentDays ${noncurrentDays} + lockDays ${lockDays}`;
    add(
      "retention.erasureDays",
      erasureDays,
      `copies live up to ${longest} days (${sum}): promise that, or keep less`,
    );
  }
  if (lockDays > erasureDays) {
    const fix = `nobody can delete what is locked: lock for at most the ${erasureDays} days in which erasure is promised`;
    add("retention.lockDays", lockDays, fix);
  }
  const shortest = Math.min(dailyDays, queueDays, recoveryDays);
  if (lockDays > shortest) {
    const fix = `what expires after ${shortest} days would stay locked: lock for at most that`;
    add("retention.lockDays", lockDays, fix);
  }
  if (localDays > erasureDays) {
    const fix = `erasure is promised within ${erasureDays} days: keep copies on the hosts for at most that`;
    add("retention.localDays", localDays, fix);
  }
  if (copyRegion === region) {
    add(
      "copyRegion",
      copyRegion,
      "a copy beside the original is lost with it: name another region, or leave it out",
    );
  }
  const archived = databases.filter(({ backup }) => backup === "archive").map(({ name }) => name);
  if (!retention.archive && archived.length > 0) {
    const fix = `${archived.join(", ")} are kept for years: give years and the legal reason, or call them daily`;
    add("retention.archive", undefined, fix);
  }
  return faults;
}
