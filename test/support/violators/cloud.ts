import { unknown } from "../wire-values";
import * as right from "./right";
import { of, type Violator } from "./types";

const { document, denyPlain, lifecycleRule, lifecycleRules, may } = right;
const allow = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::shelf/*" };
const foreign = { AWS: "arn:aws:iam::999988887777:root" };
const policy = (...statements: object[]) => ({ policy: document(denyPlain, ...statements) });
const trust = (change: object) => ({
  assumeRolePolicy: document({
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sts:AssumeRole",
    ...change,
  }),
});
const rules = (...changed: object[]) => ({
  rules: [
    ...lifecycleRules.filter(({ id }) => !changed.some((one) => (one as { id: string }).id === id)),
    ...changed,
  ],
});
const ownRole = { AWS: "arn:aws:iam::111122223333:role/x" };
const FOREIGN_KEY = "arn:aws:kms:eu-central-1:999988887777:key/x";
const encrypted = (change: object) => ({
  rules: [
    { applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: "key", ...change } },
  ],
});
const retention = (change: object) => ({
  rule: { defaultRetention: { mode: "COMPLIANCE", days: 30, ...change } },
});
const ingress = (...blocks: string[]) => ({
  ingress: [{ cidrBlocks: blocks, fromPort: 22, toPort: 22, protocol: "tcp" }],
});

/** AWS: what a bucket, key, role or group opens. */
export const cloud: Violator[] = [
  ...of("bucket-policy-closed", right.bucketPolicy, {
    "allows anybody": policy(allow),
    "allows a foreign account's root": policy({ ...allow, Principal: foreign }),
    "allows any account among others": policy({
      ...allow,
      Principal: { AWS: ["arn:aws:iam::1:role/x", "*"] },
    }),
    "allows a foreign role": policy({ ...allow, Principal: { AWS: "arn:aws:iam::999988887777:role/x" } }),
    "allows an account by its number": policy({ ...allow, Principal: { AWS: "999988887777" } }),
    "allows a service": policy({ ...allow, Principal: { Service: "cloudfront.amazonaws.com" } }),
    "allows a federated login": policy({
      ...allow,
      Principal: { Federated: "cognito-identity.amazonaws.com" },
    }),
    "allows all but some": policy({
      Effect: "Allow",
      NotPrincipal: foreign,
      Action: "s3:GetObject",
      Resource: "*",
    }),
    "is one statement and no list": { policy: JSON.stringify({ Statement: allow }) },
    "has an effect in another case": policy({ ...allow, Effect: "allow" }),
    "has an element nobody knows": policy({ ...denyPlain, Allow: "*" }),
    "has a key twice": {
      policy: document(denyPlain).replace(
        '"Statement":',
        `"Statement":[${JSON.stringify(allow)}],"Statement":`,
      ),
    },
    "has an effect twice": {
      policy: document(denyPlain).replace('"Effect":', '"Effect":"Allow","Effect":'),
    },
    "refuses everybody": policy({ Effect: "Deny", Principal: { AWS: "*" }, Action: "s3:*", Resource: "*" }),
    "is no document": { policy: "{}" },
    "is no JSON": { policy: "Allow everything" },
  }),
  ...of("bucket-policy-closed", right.bucket, { "stands in the bucket itself": { policy: document(allow) } }),
  ...of("bucket-policy-closed", right.bucketPolicy, {
    "lets an own role delete": policy({
      ...allow,
      Principal: { AWS: "arn:aws:iam::111122223333:role/x" },
      Action: "s3:DeleteObject",
    }),
    "lets an own role do all but some": policy({
      ...{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111122223333:role/x" } },
      ...{ NotAction: "s3:DeleteBucket", Resource: "*" },
    }),
  }).map((one) => ({ ...one, config: { "bucket-policy-closed": { accounts: ["111122223333"] } } })),
  ...of("bucket-tls-only", right.bucketPolicy, {
    "refuses nothing": {
      policy: document({ ...denyPlain, Condition: { Bool: { "aws:SecureTransport": "true" } } }),
    },
    "refuses some actions": { policy: document({ ...denyPlain, Action: "s3:GetObject" }) },
    "refuses one account": { policy: document({ ...denyPlain, Principal: foreign }) },
    "refuses only beside another test": {
      policy: document({
        ...denyPlain,
        Condition: { Bool: { "aws:SecureTransport": "false", "aws:ViaAWSService": "true" } },
      }),
    },
    "refuses only with another operator": {
      policy: document({
        ...denyPlain,
        Condition: { ...denyPlain.Condition, IpAddress: { "aws:SourceIp": "192.0.2.1" } },
      }),
    },
    "refuses the bucket alone": { policy: document({ ...denyPlain, Resource: "arn:aws:s3:::shelf" }) },
    "refuses the objects alone": { policy: document({ ...denyPlain, Resource: "arn:aws:s3:::shelf/*" }) },
    "refuses it of another bucket": {
      policy: document({ ...denyPlain, Resource: ["arn:aws:s3:::other", "arn:aws:s3:::other/*"] }),
    },
  }),
  ...of("resource-known", right.bucket, {
    "a website": { website: { indexDocument: "index.html" } },
    "replication in the bucket itself": { replicationConfiguration: { role: "r" } },
    "a bucket that is emptied when it goes": { forceDestroy: true },
    "rules for other origins": { corsRules: [{ allowedOrigins: ["*"] }] },
  }),
  ...[
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
    "aws:rds/instance:Instance",
    "aws:s3/accessPoint:AccessPoint",
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint",
    "aws:kms/grant:Grant",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/policy:Policy",
    "aws:iam/group:Group",
    "aws:lambda/function:Function",
    "aws:ec2/instance:Instance",
    "aws:s3/bucketNotification:BucketNotification",
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "gcp:storage/bucket:Bucket",
    "kubernetes:core/v1:Secret",
    "pulumi:pulumi:StackReference",
    "pulumi-nodejs:dynamic:Resource",
    "estate:component:Something",
    "pulumi:providers:gcp",
    "mysql:index/grant:Grant",
    "mysql:index/user:User",
    "pulumi:providers:mysql",
    "postgresql:index/database:Database",
    "postgresql:index/grantRole:GrantRole",
    "postgresql:index/grant:Grant",
    "postgresql:index/defaultPrivileges:DefaultPrivileges",
    "postgresql:index/extension:Extension",
    "command:remote:CopyToRemote",
  ].map((type) => ({
    rule: "resource-known",
    is: type,
    members: [{ type, name: "it", props: { name: "x" } }],
  })),
  {
    rule: "resource-known",
    is: "a type that was added for no reason",
    members: [{ type: "aws:sns/topic:Topic", name: "it", props: {} }],
    config: { "resource-known": { added: { "aws:sns/topic:Topic": { reason: "x", properties: [] } } } },
  },
  {
    rule: "resource-known",
    is: "a property that was not added with its type",
    members: [{ type: "aws:sns/topic:Topic", name: "it", props: { name: "alarms", policy: "{}" } }],
    config: {
      "resource-known": {
        added: {
          "aws:sns/topic:Topic": {
            reason: "alarms of the backups go to the operators",
            properties: ["name"],
          },
        },
      },
    },
  },
  ...of("bucket-acl-private", right.bucket, { "public-read": { acl: "public-read" } }),
  ...of("bucket-acl-private", right.bucket, {
    "a grant to everybody": {
      grants: [{ uri: "http://acs.amazonaws.com/groups/global/AllUsers", permissions: ["READ"] }],
    },
    "a grant to a stranger": {
      grants: [{ id: "79a59df900b949e5", type: "CanonicalUser", permissions: ["READ"] }],
    },
  }),
  ...of("bucket-acl-private", right.ownership, {
    "ACLs that count": { rule: { objectOwnership: "ObjectWriter" } },
  }),
  ...of("bucket-public-access-blocked", right.publicAccess, {
    "a policy that may be public": { blockPublicPolicy: false },
    "public ACLs": { ignorePublicAcls: undefined },
  }),
  ...of("bucket-encrypted", right.encryption, {
    "a key of S3": encrypted({ sseAlgorithm: "AES256" }),
    "no key": encrypted({ kmsMasterKeyId: "" }),
    "no default": { rules: [{ bucketKeyEnabled: true }] },
  }),
  ...of("bucket-versioned", right.versioning, {
    suspended: { versioningConfiguration: { status: "Suspended" } },
  }),
  ...of("bucket-object-locked", right.lock, {
    "who governs may unlock": retention({ mode: "GOVERNANCE" }),
    "a day": retention({ days: 1 }),
    "a hundred years": retention({ days: undefined, years: 100 }),
    "no period": retention({ days: undefined }),
  }),
  ...of("bucket-object-locked", right.bucket, { "no lock": { objectLockEnabled: false } }),
  ...of("bucket-retention-kept", right.lifecycle, {
    "archives end while another prefix is kept for years": rules(
      lifecycleRule("archive/", 91),
      lifecycleRule("other/", 2557),
    ),
    "a rule below archive/ ends sooner": {
      rules: [...lifecycleRules, lifecycleRule("archive/mariadb/", 30)],
    },
    "a rule for the whole bucket ends sooner": { rules: [...lifecycleRules, lifecycleRule("a", 30)] },
    "daily backups end sooner": rules(lifecycleRule("daily/", 89)),
    "daily backups stay": rules(lifecycleRule("daily/", 365)),
    "archives are kept for one host alone": rules(lifecycleRule("archive/mariadb/", 2557), {
      ...lifecycleRule("archive/", 2557),
      status: "Disabled",
    }),
    "copies of queues stay": rules(lifecycleRule("queue/", 90)),
    "copies for recovery end in a week": rules(lifecycleRule("recovery/", 7)),
    "uploads never end": rules(lifecycleRule("")),
    "uploads end below one prefix": rules(
      lifecycleRule(""),
      lifecycleRule("daily/", 90, { abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } }),
    ),
    "replaced versions stay": rules(lifecycleRule("daily/", 90, { noncurrentVersionExpiration: undefined })),
  }),
  ...of("resource-known", right.lifecycle, {
    "a filter by tag": rules({ ...lifecycleRule("daily/", 90), filter: { tag: { key: "a", value: "b" } } }),
    "an end by date": rules({ ...lifecycleRule("daily/"), expiration: { date: "2027-01-01" } }),
    "a tier nobody restores from": rules(
      lifecycleRule("daily/", 90, { transitions: [{ days: 1, storageClass: "ONEZONE_IA" }] }),
    ),
  }),
  {
    rule: "bucket-replication-own",
    is: "a copy in a stranger's bucket",
    members: [
      { ...right.bucket, name: "shelf" },
      {
        ...right.replication,
        name: "it",
        props: { rules: [{ destination: { bucket: "arn:aws:s3:::theirs" } }] },
      },
    ],
  },
  ...of("resource-known", right.replication, {
    "a copy that belongs to a stranger": {
      rules: [
        {
          destination: {
            bucket: "arn:aws:s3:::shelf",
            account: "999988887777",
            accessControlTranslation: { owner: "Destination" },
          },
        },
      ],
    },
    "deletions that are copied": {
      rules: [
        { deleteMarkerReplication: { status: "Enabled" }, destination: { bucket: "arn:aws:s3:::shelf" } },
      ],
    },
  }),
  ...of("key-rotated", right.key, {
    "never renewed": { enableKeyRotation: undefined },
    "gone in a week in words": { deletionWindowInDays: "7" },
    "gone in a week": { deletionWindowInDays: 7 },
  }),
  ...of("key-policy-closed", right.key, {
    "anybody uses it": {
      policy: document({ Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" }),
    },
    "anybody under a condition": {
      policy: document({
        ...{ Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:Decrypt", Resource: "*" },
        Condition: { StringEquals: { "kms:CallerAccount": "1" } },
      }),
    },
    "a foreign account": {
      policy: document({ Effect: "Allow", Principal: foreign, Action: "kms:Decrypt", Resource: "*" }),
    },
    "all but some": {
      policy: document({ Effect: "Allow", NotPrincipal: foreign, Action: "kms:*", Resource: "*" }),
    },
    "no document": { policy: "[]" },
  }),
  ...of("key-policy-closed", right.key, {
    "an own role manages it": {
      policy: document({ Effect: "Allow", Principal: ownRole, Action: "kms:*", Resource: "*" }),
    },
    "an own role destroys it": {
      policy: document({
        ...{ Effect: "Allow", Principal: ownRole, Action: ["kms:Decrypt", "kms:ScheduleKeyDeletion"] },
        Resource: "*",
      }),
    },
    "an own role hands it on": {
      policy: document({ Effect: "Allow", Principal: ownRole, Action: "kms:CreateGrant", Resource: "*" }),
    },
    "an own role does all but some": {
      policy: document({ Effect: "Allow", Principal: ownRole, NotAction: "kms:PutKeyPolicy", Resource: "*" }),
    },
    "anybody beside the account": {
      policy: document({
        ...{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111122223333:root" } },
        ...{ Action: "kms:*", Resource: "*" },
      }).replace('"Principal":', '"Principal":"*","Principal":'),
    },
  }).map((one) => ({ ...one, config: { "key-policy-closed": { accounts: ["111122223333"] } } })),
  ...[
    { is: "a stranger's key", of: right.encryption, ...encrypted({ kmsMasterKeyId: FOREIGN_KEY }) },
    { is: "the key of S3 itself", of: right.encryption, ...encrypted({ kmsMasterKeyId: "alias/aws/s3" }) },
    {
      is: "a key that is made from nothing",
      of: right.encryption,
      ...encrypted({ kmsMasterKeyId: unknown }),
    },
    {
      is: "a stranger's key for the copies",
      of: right.replication,
      rules: [{ destination: { encryptionConfiguration: { replicaKmsKeyId: FOREIGN_KEY } } }],
    },
  ].map(({ is, of: made, rules: declared }) => ({
    rule: "bucket-key-own",
    is,
    members: [
      { ...right.key, name: "key", outputs: { ...right.key.props, arn: `${FOREIGN_KEY}-own` } },
      { ...made, name: "it", props: { bucket: "shelf", rules: declared } },
    ],
  })),
  ...of("bucket-first-write-wins", right.userPolicy, {
    "by a copy": may({ Action: ["s3:ReplicateObject"] }),
    "no condition": right.may({ Condition: undefined }),
    "the condition turned round": right.may({ Condition: { Null: { "s3:if-none-match": "true" } } }),
    "another header": right.may({ Condition: { Null: { "s3:if-match": "false" } } }),
    "a pattern of actions": right.may({ Action: ["s3:Put*"], Condition: undefined }),
    "all actions but some": right.may({
      Action: undefined,
      NotAction: ["s3:GetObject"],
      Condition: undefined,
    }),
  }),
  ...of("iam-statement-narrow", right.userPolicy, {
    "everything on everything": may({ Action: "*", Resource: "*" }),
    "everything of S3": may({ Action: "s3:*" }),
    "some by a pattern": may({ Action: "s3:Get*" }),
    deletion: may({ Action: ["s3:PutObject", "s3:DeleteObject"] }),
    "any bucket": may({ Resource: "arn:aws:s3:::*" }),
    "the whole bucket": may({ Resource: ["arn:aws:s3:::shelf/daily/mariadb/*", "arn:aws:s3:::shelf/*"] }),
    "an effect twice": {
      policy: document({ Effect: "Allow", Action: "*", Resource: "*" }).replace(
        '"Action":',
        '"Action":[],"Action":',
      ),
    },
    "buckets by a pattern": may({ Resource: "arn:aws:s3:::shelf*/*" }),
    "all but some actions": may({ Action: undefined, NotAction: "iam:*" }),
    "all but some resources": may({ Resource: undefined, NotResource: "arn:aws:s3:::x" }),
    "the key outside of S3": may({
      Action: "kms:Decrypt",
      Resource: "arn:aws:kms:eu-central-1:111122223333:key/a",
    }),
    "another's role": may({ Action: "sts:AssumeRole", Resource: "arn:aws:iam::999988887777:role/x" }),
    "no document": { policy: "null" },
  }),
  ...of("role-trust-narrow", right.role53, {
    anybody: trust({ Principal: "*" }),
    "any account": trust({ Principal: { AWS: "*" } }),
    "a foreign account": trust({ Principal: foreign }),
    "another service": trust({ Principal: { Service: "ec2.amazonaws.com" } }),
    "all but some": trust({ Principal: undefined, NotPrincipal: foreign }),
    "another action": trust({ Action: "sts:*" }),
    "no document": { assumeRolePolicy: "x" },
  }),
  ...of("resource-known", right.role53, {
    "a policy of its own within": { inlinePolicies: [{ policy: "{}" }] },
    "a managed policy": { managedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] },
  }),
  ...of("tags-complete", right.user, {
    "nobody's": { tags: { owner: "" } },
    "a blank's": { tags: { owner: " ", "data-protection-contact": "d" } },
  }),
  ...of("region-european", right.awsProvider, {
    "in Virginia": { region: "us-east-1" },
    "in London": { region: "eu-west-2" },
  }),
  ...of("region-european", right.bucket, { "a bucket elsewhere": { region: "us-east-1" } }),
  ...of("security-group-source-narrow", right.group, {
    world: ingress("0.0.0.0/0"),
    "half of the world": ingress("0.0.0.0/1", "128.0.0.0/1"),
    "64 ranges side by side": ingress(
      ...Array.from({ length: 64 }, (_, index) => `10.0.${index >> 5}.${(index & 31) * 8}/29`),
    ),
    "another account's group": {
      ingress: [{ securityGroups: ["999988887777/sg-1"], protocol: "tcp", fromPort: 1, toPort: 2 }],
    },
  }),
  ...of("connection-tls-verified", right.awsProvider, {
    "any server": { insecure: "true" },
    "no TLS": { endpoints: '[{"s3":"http://127.0.0.1:9000"}]' },
    "a stranger's service": { endpoints: '[{"s3":"https://evil.test"}]' },
  }),
  ...of("connection-tls-verified", right.githubProvider, {
    "a stranger's GitHub": { baseUrl: "https://evil.test/" },
  }),
  ...of("connection-tls-verified", right.secret, {
    "a stranger's GitHub": { baseUrl: "https://evil.test/" },
    "a GitHub without TLS": { baseUrl: "http://api.github.com/" },
  }),
  { rule: "bucket-guarded", is: "a bucket without guards", members: [{ ...right.bucket, name: "it" }] },
];
