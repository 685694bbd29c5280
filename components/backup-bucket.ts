import { AccessKey, Role, RolePolicy, User, UserPolicy } from "@pulumi/aws/iam";
import { Provider } from "@pulumi/aws/provider";
import { BucketReplicationConfig } from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";
import type { AwsPlace } from "../connect/aws";
import type { BackupOutput, BucketKey } from "../estate/outputs";
import type { BackupConfig, BackupRetention, ServerName } from "../estate/types";
import { GuardedBucket } from "./guarded-bucket";
import { afterInterruption } from "./interrupted-aws";
import { awsProviderArgs } from "./plans/aws-provider";
import { copierPolicy, copierTrust, prefixesOf, readerPolicy, writerPolicy } from "./plans/backup-bucket";
import { readNamedFile } from "./plans/named-file";
import { withoutStackTrace } from "./without-stack-trace";

export interface BackupBucketArgs {
  backup: BackupConfig;
  /** On everything in the cloud. */
  tags: Readonly<Record<string, string>>;
  /** Hosts of databases and queues, each of which gets an identity that can only write. */
  hosts: readonly ServerName[];
}

/**
 * Where backups go: a bucket that is versioned, encrypted with a key of its own, locked, closed to the public and to plain
 * requests; an identity for each host that can put objects and nothing else, and one that reads them for a restore. The
 * hosts are not in AWS, so identities are users with access keys. With `copyRegion` everything is copied to a second bucket.
 */
export class BackupBucket extends pulumi.ComponentResource {
  /** What agents and restores need. */
  readonly output: pulumi.Output<BackupOutput>;
  private readonly guarded: GuardedBucket;

  constructor(name: string, args: BackupBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("estate:component:BackupBucket", name, args, opts);
    const { backup, hosts } = args;
    const provider = this.provider(name, args, backup.region);
    const here = { parent: this, provider };
    const place = withoutStackTrace(() => placeOf(backup));
    const hooks = afterInterruption(name, place);
    const named = { ...here, hooks };
    const users = hosts.map((host) => ({
      host,
      user: new User(`${name}-writer-${host}`, { name: `${backup.bucket}-writer-${host}` }, named),
    }));
    const writers = users.map(({ host, user }) => ({ host, arn: user.arn }));
    const { bucket, retention } = backup;
    this.guarded = new GuardedBucket(name, { bucket, retention, writers, hooks }, here);
    if (backup.copyRegion) this.copyTo({ ...place, region: backup.copyRegion }, name, args, here, hooks);

    const keys = users.map(({ host, user }) => {
      const policy = this.ends(backup.region).apply((ends) => writerPolicy(ends, host, retention));
      const key = identity(`${name}-writer-${host}`, user, policy, here);
      return [host, { ...key, prefixes: prefixesOf(host, retention) }] as const;
    });
    const restorer = new User(`${name}-reader`, { name: `${bucket}-reader` }, named);
    const reader = identity(`${name}-reader`, restorer, this.ends(backup.region).apply(readerPolicy), here);
    this.output = this.outputOf(place, retention, Object.fromEntries(keys), reader);
    this.registerOutputs({});
  }

  /** In the EU, with the stack's tags on everything. */
  private provider(name: string, { backup, tags }: BackupBucketArgs, region: string): Provider {
    const preview = pulumi.runtime.isDryRun();
    return new Provider(name, awsProviderArgs({ region, backup, tags, preview }), { parent: this });
  }

  private ends(region: string, { bucket, key }: GuardedBucket = this.guarded) {
    return pulumi.all([bucket.arn, key.arn]).apply(([of, keyArn]) => ({ bucket: of, key: keyArn, region }));
  }

  /** A second bucket with the same guards, that nobody but S3 writes to, and the role that S3 copies as. */
  private copyTo(
    there: AwsPlace,
    name: string,
    args: BackupBucketArgs,
    here: pulumi.CustomResourceOptions,
    hooks: pulumi.ResourceHookBinding,
  ): void {
    const { region } = there;
    const { bucket, retention, region: from } = args.backup;
    const copy = new GuardedBucket(
      `${name}-copy`,
      {
        bucket: `${bucket}-copy`,
        retention,
        writers: [],
        hooks: afterInterruption(`${name}-copy`, there),
      },
      { parent: this, provider: this.provider(`${name}-copy`, args, region) },
    );
    const role = new Role(
      `${name}-copier`,
      { name: `${bucket}-copier`, assumeRolePolicy: copierTrust },
      { ...here, hooks },
    );
    const policy = new RolePolicy(
      `${name}-copier-policy`,
      {
        name: "copy",
        role: role.name,
        policy: pulumi.all([this.ends(from), this.ends(region, copy)]).apply(([a, b]) => copierPolicy(a, b)),
      },
      here,
    );
    new BucketReplicationConfig(
      `${name}-replication`,
      {
        bucket: this.guarded.bucket.bucket,
        role: role.arn,
        rules: [
          {
            id: "everything",
            priority: 0,
            status: "Enabled",
            filter: { prefix: "" },
            // What is deleted here is not deleted there: each bucket lets go of it by its own rules.
            deleteMarkerReplication: { status: "Disabled" },
            sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
            destination: {
              bucket: copy.bucket.arn,
              encryptionConfiguration: { replicaKmsKeyId: copy.key.arn },
            },
          },
        ],
      },
      { ...here, retainOnDelete: true, dependsOn: [policy, this.guarded.versioning, copy.versioning] },
    );
  }

  private outputOf(
    place: AwsPlace,
    retention: BackupRetention,
    writers: Record<string, Identity & { prefixes: Record<string, string> }>,
    reader: Identity,
  ): pulumi.Output<BackupOutput> {
    const { bucket, key, guards } = this.guarded;
    return pulumi.secret({
      // Nobody writes to a bucket whose guards do not stand yet.
      bucket: pulumi
        .all([bucket.bucket, ...guards.map(({ urn }) => urn)])
        .apply(([known]) => known as string),
      ...place,
      kmsKey: key.arn,
      writers,
      reader,
      retention,
    });
  }
}

type Identity = { [Field in keyof BucketKey]: pulumi.Output<string> };

/** Errors: the authority's file cannot be read. */
function placeOf({ region, endpoint, caBundle }: BackupConfig): AwsPlace {
  return {
    region,
    ...(endpoint && { endpoint }),
    ...(caBundle && { caCertificate: readNamedFile("backup.caBundle", caBundle) }),
  };
}

/** What a user may do, and the key it proves itself with. */
function identity(
  name: string,
  user: User,
  policy: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
): Identity {
  new UserPolicy(`${name}-policy`, { name: "backup", user: user.name, policy }, opts);
  const key = new AccessKey(`${name}-key`, { user: user.name }, opts);
  return { accessKeyId: key.id, secretAccessKey: key.secret };
}
