import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { BackupBucket } from "../../../components/backup-bucket";
import type { BackupOutput } from "../../../estate/outputs";
import type { BackupConfig } from "../../../estate/types";
import { clearPassword, openTexts, type Recorded, record, unseal } from "../../support/record";

const retention = {
  localDays: 30,
  dailyDays: 90,
  queueDays: 30,
  recoveryDays: 30,
  noncurrentDays: 14,
  lockDays: 30,
  erasureDays: 180,
  archive: { years: 7, reason: "a law for this test" },
};
const config: BackupConfig = { bucket: "backups", region: "eu-central-1", recipients: [], retention };
const tags = { owner: "platform", "data-protection-contact": "dpo@test" };

interface Built {
  resources: Recorded[];
  output: BackupOutput;
  secret: boolean;
}

async function build(more: Partial<BackupConfig> = {}, preview = false): Promise<Built> {
  let output: pulumi.Output<BackupOutput> | undefined;
  const resources = await record(
    () => {
      const hosts = ["plesk", "mariadb", "postgres"] as const;
      ({ output } = new BackupBucket("backup", { backup: { ...config, ...more }, tags, hosts }));
    },
    { preview },
  );
  const sealed = output as pulumi.Output<BackupOutput> & {
    isSecret: Promise<boolean>;
    promise(): Promise<unknown>;
  };
  return {
    resources,
    output: (await sealed.promise()) as BackupOutput,
    secret: await sealed.isSecret,
  };
}

const named = (resources: readonly Recorded[], name: string, type: string) =>
  unseal(resources.find((one) => one.name === name && one.type.endsWith(`:${type}`))?.inputs) as Record<
    string,
    unknown
  >;

beforeAll(() => {
  vi.stubEnv("AWS_PROFILE", "for-this-test");
});
afterAll(() => vi.unstubAllEnvs());

describe("the bucket", () => {
  let built: Built;
  beforeAll(async () => {
    built = await build();
  });

  it("has every guard, once", () => {
    const kinds = built.resources.map(({ type }) => type.split(":").at(-1));
    for (const guard of [
      "Bucket",
      "BucketLifecycleConfiguration",
      "BucketObjectLockConfiguration",
      "BucketOwnershipControls",
      "BucketPolicy",
      "BucketPublicAccessBlock",
      "BucketServerSideEncryptionConfiguration",
      "BucketVersioning",
      "Key",
      "Alias",
    ]) {
      expect(
        kinds.filter((kind) => kind === guard),
        guard,
      ).toHaveLength(1);
    }
    expect(kinds).not.toContain("BucketReplicationConfig");
  });

  it("is encrypted with its own key, locked, and in the stack's region with its tags", () => {
    const { resources } = built;
    expect(named(resources, "backup", "Bucket")).toEqual({ bucket: "backups", objectLockEnabled: true });
    expect(named(resources, "backup-encryption", "BucketServerSideEncryptionConfiguration").rules).toEqual([
      {
        applyServerSideEncryptionByDefault: {
          sseAlgorithm: "aws:kms",
          kmsMasterKeyId: "arn of backup-key",
        },
        bucketKeyEnabled: true,
      },
    ]);
    expect(named(resources, "backup-lock", "BucketObjectLockConfiguration").rule).toEqual({
      defaultRetention: { mode: "COMPLIANCE", days: 30 },
    });
    const provider = named(resources, "backup", "aws");
    expect(provider.region).toBe("eu-central-1");
    expect(JSON.parse(String(provider.defaultTags))).toEqual({ tags });
    expect(provider.accessKey).toBeUndefined();
  });

  it("gives each host a key for its own prefixes, sealed", () => {
    const { resources, output, secret } = built;
    expect(secret).toBe(true);
    expect(Object.keys(output.writers)).toEqual(["plesk", "mariadb", "postgres"]);
    expect(output.writers.mariadb).toEqual({
      accessKeyId: "backup-writer-mariadb-key",
      secretAccessKey: clearPassword("backup-writer-mariadb-key"),
      prefixes: {
        archive: "archive/mariadb/",
        "archive-index": "archive-index/mariadb/",
        daily: "daily/mariadb/",
        recovery: "recovery/mariadb/",
        status: "status/mariadb/",
      },
    });
    expect(output.reader.accessKeyId).toBe("backup-reader-key");
    const open = resources.flatMap(({ inputs }) => openTexts(inputs));
    expect(open.filter((text) => text.includes("clear text of"))).toEqual([]);
  });

  it("names the writers in its policy", () => {
    const { policy } = named(built.resources, "backup-policy", "BucketPolicy");
    expect(policy).toContain('"AWS":["arn of backup-writer-plesk","arn of backup-writer-mariadb"');
  });
});

describe("a copy in another region", () => {
  it("has the same guards and a provider there, and only S3 writes to it", async () => {
    const { resources } = await build({ copyRegion: "eu-west-1" });
    expect(named(resources, "backup-copy", "aws").region).toBe("eu-west-1");
    expect(named(resources, "backup-copy", "Bucket").bucket).toBe("backups-copy");
    for (const kind of ["Policy", "Versioning", "ObjectLockConfiguration", "LifecycleConfiguration"]) {
      const guards = resources.filter(({ type }) => type.endsWith(`:Bucket${kind}`));
      expect(
        guards.map(({ inputs }) => inputs.bucket),
        kind,
      ).toEqual(["backups", "backups-copy"]);
    }
    expect(named(resources, "backup-copy-policy", "BucketPolicy").policy).not.toContain("WritersOnlyPut");
    expect(named(resources, "backup-replication", "BucketReplicationConfig")).toMatchObject({
      bucket: "backups",
      role: "arn of backup-copier",
      rules: [
        {
          destination: {
            bucket: "arn:aws:s3:::backups-copy",
            encryptionConfiguration: { replicaKmsKeyId: "arn of backup-copy-key" },
          },
        },
      ],
    });
  });
});

describe("another service than AWS", () => {
  it("is asked for everything, and its authority is told to who needs it", async () => {
    const directory = mkdtempSync(join(tmpdir(), "backup-"));
    try {
      const caBundle = join(directory, "ca.pem");
      writeFileSync(caBundle, "its authority");
      const endpoint = "https://s3.test";
      const { resources, output } = await build({ endpoint, caBundle });
      const provider = named(resources, "backup", "aws");
      expect(JSON.parse(String(provider.endpoints))[0]).toMatchObject({
        s3: endpoint,
        kms: endpoint,
        iam: endpoint,
      });
      expect(provider).toMatchObject({ customCaBundle: caBundle, s3UsePathStyle: "true" });
      expect(output).toMatchObject({ endpoint, caCertificate: "its authority" });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("whose authority cannot be read is named", async () => {
    await expect(build({ caBundle: "/nowhere/ca.pem" })).rejects.toThrow(
      'backup.caBundle is "/nowhere/ca.pem", which cannot be read',
    );
  });
});

describe("a preview without credentials", () => {
  it("gets some that open nothing; an update gets none", async () => {
    vi.stubEnv("AWS_PROFILE", "");
    vi.stubEnv("HOME", "/nowhere");
    try {
      const preview = await build({}, true);
      expect(named(preview.resources, "backup", "aws")).toMatchObject({
        accessKey: "preview",
        skipCredentialsValidation: "true",
      });
      const update = await build();
      expect(named(update.resources, "backup", "aws").accessKey).toBeUndefined();
    } finally {
      vi.stubEnv("AWS_PROFILE", "for-this-test");
    }
  });
});
