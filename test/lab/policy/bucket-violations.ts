import type * as pulumi from "@pulumi/pulumi";
import type { Declare } from "./violations";

const tags = { owner: "platform", "data-protection-contact": "dpo@estate.test" };
const name = "shelf";
const allow = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" };
const denyPlain = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};

/** A program of the real kinds of @pulumi/aws in which each rule about buckets and keys is broken exactly once. */
export function declare(create: Declare): void {
  const provider = (of: string, region: string) =>
    create("pulumi:providers:aws", of, { region, ...NOBODY }) as pulumi.ProviderResource;
  const frankfurt = { provider: provider("frankfurt", "eu-central-1") };
  provider("virginia", "us-east-1");
  const bucket = (of: string, props: object) =>
    create("aws:s3/bucket:Bucket", of, { bucket: of, tags, ...props }, frankfurt);
  const guard = (kind: string, of: string, props: object) =>
    create(`aws:s3/bucket${kind}:Bucket${kind}`, of, { bucket: name, ...props }, frankfurt);

  bucket("bare", { objectLockEnabled: true });
  bucket(name, {});
  guard("PublicAccessBlock", "half-open", { blockPublicAcls: true });
  guard("OwnershipControls", "acl-counts", { rule: { objectOwnership: "ObjectWriter" } });
  guard("Policy", "public-policy", { policy: JSON.stringify({ Statement: [allow, denyPlain] }) });
  guard("Policy", "plain-policy", { policy: JSON.stringify({ Statement: [] }) });
  guard("ServerSideEncryptionConfiguration", "weak", {
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256", kmsMasterKeyId: "k" } }],
  });
  guard("Versioning", "forgetful", { versioningConfiguration: { status: "Suspended" } });
  guard("LifecycleConfiguration", "short-lived", {
    rules: [
      {
        id: "daily",
        status: "Enabled",
        filter: { prefix: "daily/" },
        expiration: { days: 90 },
        noncurrentVersionExpiration: { noncurrentDays: 30 },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
    ],
  });
  guard("ObjectLockConfiguration", "locked", {
    rule: { defaultRetention: { mode: "COMPLIANCE", days: 30 } },
  });
  create(
    "aws:iam/userPolicy:UserPolicy",
    "replacing",
    {
      name: "replacing",
      user: "somebody",
      policy: JSON.stringify({ Statement: [{ Effect: "Allow", Action: "s3:PutObject", Resource: "*" }] }),
    },
    frankfurt,
  );
  create("aws:kms/key:Key", "stale-key", { tags }, frankfurt);
  create(
    "aws:iam/user:User",
    "untagged",
    { name: "untagged", tags: { "data-protection-contact": "dpo" } },
    frankfurt,
  );
}

/** Credentials without which the plugin does not start; a preview asks nobody. */
const NOBODY = {
  accessKey: "nobody",
  secretKey: "nothing",
  skipCredentialsValidation: "true",
  skipRequestingAccountId: "true",
  skipMetadataApiCheck: "true",
};
