import { Alias, Key } from "@pulumi/aws/kms";
import {
  Bucket,
  BucketLifecycleConfiguration,
  BucketObjectLockConfiguration,
  BucketOwnershipControls,
  BucketPolicy,
  BucketPublicAccessBlock,
  BucketServerSideEncryptionConfiguration,
  BucketVersioning,
} from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";
import type { BackupRetention } from "../estate/types";
import { bucketPolicy, lifecycleRules, type Writer } from "./plans/backup-bucket";

export interface GuardedBucketArgs {
  /** Name of the bucket, and of its key's alias. */
  bucket: string;
  retention: BackupRetention;
  /** Who may put objects, with the ARNs of their users. */
  writers: readonly { [Field in keyof Writer]: pulumi.Input<Writer[Field]> }[];
  /** Of what has one name in AWS. */
  hooks: pulumi.ResourceHookBinding;
}

/**
 * A bucket for backups with its key and every guard. Not a component of its own: its resources are children of the one it
 * belongs to. Bucket, key and guards stay where they are when the program lets go of them.
 */
export class GuardedBucket {
  readonly bucket: Bucket;
  readonly key: Key;
  readonly versioning: BucketVersioning;
  /** What reading and writing wait for. */
  readonly guards: readonly pulumi.Resource[];

  constructor(
    private readonly name: string,
    args: GuardedBucketArgs,
    private readonly opts: pulumi.CustomResourceOptions,
  ) {
    this.key = this.createKey(args);
    this.bucket = new Bucket(
      name,
      { bucket: args.bucket, objectLockEnabled: true },
      this.kept({ protect: true, hooks: args.hooks }),
    );
    this.versioning = new BucketVersioning(
      `${name}-versioning`,
      { bucket: this.bucket.bucket, versioningConfiguration: { status: "Enabled" } },
      this.kept(),
    );
    this.guards = [this.versioning, ...this.createGuards(args)];
  }

  private createKey({ bucket, hooks }: GuardedBucketArgs): Key {
    const key = new Key(
      `${this.name}-key`,
      { description: `encrypts ${bucket}`, enableKeyRotation: true, deletionWindowInDays: 30 },
      this.kept({ protect: true }),
    );
    new Alias(
      `${this.name}-key-alias`,
      { name: `alias/${bucket}`, targetKeyId: key.keyId },
      this.kept({ hooks }),
    );
    return key;
  }

  private createGuards({ retention, writers }: GuardedBucketArgs): pulumi.Resource[] {
    const { bucket, arn } = this.bucket;
    const policy = pulumi
      .all([arn, this.key.arn, pulumi.output(writers)])
      .apply(([of, key, known]) => bucketPolicy({ bucket: of, key, writers: known, retention }));
    const publicAccess = new BucketPublicAccessBlock(
      `${this.name}-public-access`,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      this.kept(),
    );
    return [
      publicAccess,
      new BucketOwnershipControls(
        `${this.name}-ownership`,
        { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
        this.kept(),
      ),
      new BucketServerSideEncryptionConfiguration(
        `${this.name}-encryption`,
        {
          bucket,
          rules: [
            {
              applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: this.key.arn },
              bucketKeyEnabled: true,
            },
          ],
        },
        this.kept(),
      ),
      new BucketObjectLockConfiguration(
        `${this.name}-lock`,
        { bucket, rule: { defaultRetention: { mode: "COMPLIANCE", days: retention.lockDays } } },
        this.kept({ dependsOn: this.versioning }),
      ),
      new BucketLifecycleConfiguration(
        `${this.name}-lifecycle`,
        { bucket, rules: lifecycleRules(retention) },
        this.kept({ dependsOn: this.versioning }),
      ),
      // S3 refuses two changes of what is public at once.
      new BucketPolicy(`${this.name}-policy`, { bucket, policy }, this.kept({ dependsOn: publicAccess })),
    ];
  }

  private kept(more: pulumi.CustomResourceOptions = {}): pulumi.CustomResourceOptions {
    return { ...this.opts, retainOnDelete: true, ...more };
  }
}
