import { describe, expect, it } from "vitest";
import { backupFaults, backupSchema } from "../../../estate/backup";

const archive = { years: 7, reason: "a law for this test" };
const recipient = `age1${"q".repeat(58)}`;
const declared = {
  bucket: "backups",
  region: "eu-central-1",
  recipients: [recipient],
  retention: { archive },
};
const databases = [
  { name: "mo_crm", backup: "archive" },
  { name: "mo_n8n", backup: "daily" },
] as const;

/** `path is value: fix`, a line each. */
function faults(retention: object, more: object = {}): string[] {
  const config = backupSchema.parse({ ...declared, ...more, retention: { archive, ...retention } });
  return backupFaults(config, databases).map(({ path, value, fix }) => `${path} is ${value}: ${fix}`);
}

const messages = (value: object) =>
  (backupSchema.safeParse({ ...declared, ...value }).error?.issues ?? []).map(({ message }) => message);

describe("retention", () => {
  it("has periods that fit together where none is given", () => {
    expect(faults({})).toEqual([]);
    expect(backupSchema.parse({ ...declared, retention: undefined }).retention).toEqual({
      localDays: 30,
      dailyDays: 90,
      queueDays: 30,
      recoveryDays: 30,
      noncurrentDays: 14,
      lockDays: 30,
      erasureDays: 180,
    });
  });

  it("never outlives the erasure that is promised", () => {
    expect(faults({ erasureDays: 164 })).toEqual([]);
    expect(faults({ erasureDays: 163 })).toEqual([
      "backup.retention.erasureDays is 163: copies live up to 164 days (dailyDays 90 + recoveryDays 30 + " +
        "noncurrentDays 14 + lockDays 30): promise that, or keep less",
    ]);
  });

  it("locks nothing beyond its time, nor beyond the promise", () => {
    expect(faults({ lockDays: 31 })).toEqual([
      "backup.retention.lockDays is 31: what expires after 30 days would stay locked: lock for at most that",
    ]);
    expect(faults({ lockDays: 200 })).toEqual([
      expect.stringContaining("copies live up to 334 days"),
      "backup.retention.lockDays is 200: nobody can delete what is locked: lock for at most the 180 days in which erasure is promised",
      expect.stringContaining("would stay locked"),
    ]);
  });

  it("counts the copies on the hosts", () => {
    expect(faults({ localDays: 181 })).toEqual([
      "backup.retention.localDays is 181: erasure is promised within 180 days: keep copies on the hosts for at most that",
    ]);
  });

  it("keeps nothing for years without a law", () => {
    expect(faults({ archive: undefined })).toEqual([
      "backup.retention.archive is undefined: mo_crm are kept for years: give years and the legal reason, or call them daily",
    ]);
    const without = backupSchema.parse({ ...declared, retention: {} });
    expect(backupFaults(without, [databases[1]])).toEqual([]);
    expect(messages({ retention: { archive: { years: 7, reason: "law" } } })).toEqual([
      "name the law that demands it, and what it demands it of",
    ]);
    expect(messages({ retention: { archive: { years: 31, reason: archive.reason } } })).toEqual([
      "give 1 to 30 years",
    ]);
  });
});

describe("the place", () => {
  it.each(["us-east-1", "eu-west-2", "eu-central-2"])("is not %s, which is outside of the EU", (region) => {
    expect(messages({ region })).toEqual([expect.stringContaining("keep the data in the European Union")]);
    expect(messages({ copyRegion: region })).toEqual([
      expect.stringContaining("keep the data in the European"),
    ]);
  });

  it("has a copy elsewhere, or none", () => {
    expect(faults({}, { copyRegion: "eu-west-1" })).toEqual([]);
    expect(faults({}, { copyRegion: "eu-central-1" })).toEqual([
      "backup.copyRegion is eu-central-1: a copy beside the original is lost with it: name another region, or leave it out",
    ]);
  });

  it("is reached over TLS", () => {
    expect(messages({ endpoint: "http://s3.test" })).toEqual([
      "give the https URL of the S3-compatible service",
    ]);
    expect(messages({ endpoint: "https://s3.test:5000" })).toEqual([]);
  });

  it("has a name that leaves room for those made from it", () => {
    expect(messages({ bucket: "a".repeat(41) })).toEqual([
      "use 3 to 40 lower-case letters, digits and hyphens",
    ]);
    expect(messages({ bucket: "a".repeat(40) })).toEqual([]);
  });
});

describe("whom backups are encrypted to", () => {
  it("is a public key of age, or a file of them by its absolute path", () => {
    expect(messages({ recipients: [recipient, "/etc/estate/recipients.txt"] })).toEqual([]);
    for (const wrong of ["age1short", "recipients.txt", `AGE-SECRET-KEY-1${"Q".repeat(58)}`]) {
      expect(messages({ recipients: [wrong] })).toEqual([
        expect.stringMatching(/^give a public key of age .* or the absolute path of a file/),
      ]);
    }
  });

  it("is somebody", () => {
    expect(messages({ recipients: [] })).toEqual([expect.stringContaining("nobody could read a backup")]);
  });
});
