import type { KnownType } from "./type";

/** On everything in the cloud: what says whose it is and where it is. */
const COMMON = ["tags.*", "tagsAll.*"];
const REGION = { region: ["region-european"] };
const OF_BUCKET = ["bucket", "expectedBucketOwner"];

/** What backups need of AWS. `only` holds the defaults that the plugin writes out. */
export const AWS_TYPES: Readonly<Record<string, KnownType>> = {
  "aws:s3/bucket:Bucket": {
    because: "it holds the backups, guarded by resources of their own",
    judged: {
      ...REGION,
      objectLockEnabled: ["bucket-object-locked"],
      acl: ["bucket-acl-private"],
      "grants[].uri": ["bucket-acl-private"],
      "grants[].id": ["bucket-acl-private"],
      "grants[].type": ["bucket-acl-private"],
      "grants[].permissions[]": ["bucket-acl-private"],
      policy: ["bucket-policy-closed"],
      "tags.*": ["tags-complete"],
    },
    harmless: ["bucket", ...COMMON],
    only: { forceDestroy: [false] },
  },
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    because: "it closes a bucket to the public, whatever else is said",
    judged: {
      ...REGION,
      blockPublicAcls: ["bucket-public-access-blocked"],
      blockPublicPolicy: ["bucket-public-access-blocked"],
      ignorePublicAcls: ["bucket-public-access-blocked"],
      restrictPublicBuckets: ["bucket-public-access-blocked"],
    },
    harmless: OF_BUCKET,
    only: { skipDestroy: [true] },
  },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
    because: "it turns ACLs off, so that no object belongs to a stranger",
    judged: { ...REGION, "rule.objectOwnership": ["bucket-acl-private"] },
    harmless: OF_BUCKET,
  },
  "aws:s3/bucketAcl:BucketAcl": {
    because: "it may say of a bucket that it is private, and nothing else",
    judged: {
      ...REGION,
      acl: ["bucket-acl-private"],
      "accessControlPolicy.grants[].grantee.uri": ["bucket-acl-private"],
      "accessControlPolicy.grants[].grantee.id": ["bucket-acl-private"],
      "accessControlPolicy.grants[].grantee.type": ["bucket-acl-private"],
      "accessControlPolicy.grants[].permission": ["bucket-acl-private"],
    },
    harmless: OF_BUCKET,
  },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    because: "every object is encrypted with a key of the estate",
    judged: {
      ...REGION,
      "rules[].applyServerSideEncryptionByDefault.sseAlgorithm": ["bucket-encrypted"],
      "rules[].applyServerSideEncryptionByDefault.kmsMasterKeyId": ["bucket-encrypted"],
    },
    harmless: [...OF_BUCKET, "rules[].bucketKeyEnabled"],
  },
  "aws:s3/bucketVersioning:BucketVersioning": {
    because: "what is overwritten or deleted is kept for a while",
    judged: { ...REGION, "versioningConfiguration.status": ["bucket-versioned"] },
    harmless: OF_BUCKET,
    only: { "versioningConfiguration.mfaDelete": ["Enabled", "Disabled"] },
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    because: "backups go when they must, and not before",
    judged: {
      ...REGION,
      "rules[].id": ["bucket-retention-kept"],
      "rules[].status": ["bucket-retention-kept"],
      "rules[].filter.prefix": ["bucket-retention-kept"],
      "rules[].expiration.days": ["bucket-retention-kept"],
      "rules[].expiration.expiredObjectDeleteMarker": ["bucket-retention-kept"],
      "rules[].noncurrentVersionExpiration.noncurrentDays": ["bucket-retention-kept"],
      "rules[].abortIncompleteMultipartUpload.daysAfterInitiation": ["bucket-retention-kept"],
    },
    harmless: [...OF_BUCKET, "rules[].transitions[].days"],
    only: {
      // A tier that S3 keeps the object in, of which a restore knows how to fetch it.
      "rules[].transitions[].storageClass": ["DEEP_ARCHIVE", "GLACIER"],
      transitionDefaultMinimumObjectSize: ["all_storage_classes_128K"],
    },
  },
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": {
    because: "no backup can be deleted before its time, by nobody",
    judged: {
      ...REGION,
      "rule.defaultRetention.mode": ["bucket-object-locked"],
      "rule.defaultRetention.days": ["bucket-object-locked"],
      "rule.defaultRetention.years": ["bucket-object-locked"],
    },
    harmless: OF_BUCKET,
    only: { objectLockEnabled: ["Enabled"] },
  },
  "aws:s3/bucketPolicy:BucketPolicy": {
    because: "what a bucket refuses, whatever an identity may do",
    judged: { ...REGION, policy: ["bucket-policy-closed", "bucket-tls-only"] },
    harmless: OF_BUCKET,
  },
  "aws:s3/bucketReplicationConfig:BucketReplicationConfig": {
    because: "everything is copied to a second bucket of the estate",
    judged: {
      ...REGION,
      bucket: ["bucket-replication-own"],
      "rules[].destination.bucket": ["bucket-replication-own"],
    },
    harmless: [
      "role",
      "rules[].id",
      "rules[].priority",
      "rules[].status",
      "rules[].filter.prefix",
      "rules[].destination.encryptionConfiguration.replicaKmsKeyId",
    ],
    only: {
      "rules[].deleteMarkerReplication.status": ["Disabled"],
      "rules[].sourceSelectionCriteria.sseKmsEncryptedObjects.status": ["Enabled"],
    },
  },
  "aws:kms/key:Key": {
    because: "it encrypts the backups, and is renewed by itself",
    judged: {
      ...REGION,
      enableKeyRotation: ["key-rotated"],
      deletionWindowInDays: ["key-rotated"],
      policy: ["key-policy-closed"],
      "tags.*": ["tags-complete"],
    },
    harmless: ["description", ...COMMON],
    only: {
      isEnabled: [true],
      keyUsage: ["ENCRYPT_DECRYPT"],
      customerMasterKeySpec: ["SYMMETRIC_DEFAULT"],
      bypassPolicyLockoutSafetyCheck: [false],
      multiRegion: [false],
    },
  },
  "aws:kms/alias:Alias": {
    because: "a name for a key, by which an interrupted run finds it again",
    judged: REGION,
    harmless: ["name", "targetKeyId"],
  },
  "aws:iam/user:User": {
    because: "the hosts are not in AWS, so that each writes as a user of its own",
    judged: { "tags.*": ["tags-complete"] },
    harmless: ["name", "permissionsBoundary", ...COMMON],
    only: { forceDestroy: [false], path: ["/"] },
  },
  "aws:iam/userPolicy:UserPolicy": {
    because: "what one user may do, on the estate's own bucket and key",
    judged: { policy: ["iam-statement-narrow"] },
    harmless: ["name", "user"],
  },
  "aws:iam/accessKey:AccessKey": {
    because: "what a host writes with; it can do nothing but put objects",
    judged: {},
    harmless: ["user"],
    only: { status: ["Active"] },
  },
  "aws:iam/role:Role": {
    because: "S3 itself copies to the second bucket as a role",
    judged: { assumeRolePolicy: ["role-trust-narrow"], "tags.*": ["tags-complete"] },
    harmless: ["name", "description", "permissionsBoundary", ...COMMON],
    only: { forceDetachPolicies: [false], path: ["/"], maxSessionDuration: [3600] },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    because: "what the role that copies may do, on both buckets and keys",
    judged: { policy: ["iam-statement-narrow"] },
    harmless: ["name", "role"],
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    because: "a firewall before a host in the cloud, for stacks that have one",
    judged: {
      ...REGION,
      "ingress[].cidrBlocks[]": ["security-group-source-narrow"],
      "ingress[].ipv6CidrBlocks[]": ["security-group-source-narrow"],
      "ingress[].securityGroups[]": ["security-group-source-narrow"],
      "ingress[].fromPort": ["security-group-source-narrow"],
      "ingress[].toPort": ["security-group-source-narrow"],
      "ingress[].protocol": ["security-group-source-narrow"],
      "tags.*": ["tags-complete"],
    },
    harmless: ["name", "description", "vpcId", "ingress[].description", ...COMMON],
    only: { revokeRulesOnDelete: [true, false], "ingress[].self": [true, false] },
  },
  "aws:ec2/securityGroupRule:SecurityGroupRule": {
    because: "one opening of a security group, for stacks that have one",
    judged: {
      ...REGION,
      "cidrBlocks[]": ["security-group-source-narrow"],
      "ipv6CidrBlocks[]": ["security-group-source-narrow"],
      sourceSecurityGroupId: ["security-group-source-narrow"],
      fromPort: ["security-group-source-narrow"],
      toPort: ["security-group-source-narrow"],
      protocol: ["security-group-source-narrow"],
    },
    harmless: ["securityGroupId", "description"],
    only: { type: ["ingress"], self: [true, false] },
  },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
    because: "one opening of a security group, for stacks that have one",
    judged: {
      ...REGION,
      cidrIpv4: ["security-group-source-narrow"],
      cidrIpv6: ["security-group-source-narrow"],
      referencedSecurityGroupId: ["security-group-source-narrow"],
      fromPort: ["security-group-source-narrow"],
      toPort: ["security-group-source-narrow"],
      ipProtocol: ["security-group-source-narrow"],
      "tags.*": ["tags-complete"],
    },
    harmless: ["securityGroupId", "description", ...COMMON],
  },
  "pulumi:providers:aws": {
    because: "where backups go: in the EU, over TLS, to AWS or what the operator named",
    judged: {
      ...REGION,
      insecure: ["connection-tls-verified"],
      endpoints: ["connection-tls-verified"],
      "endpoints[].*": ["connection-tls-verified"],
    },
    harmless: [
      ...["accessKey", "profile", "customCaBundle", "defaultTags", "defaultTags.tags.*"],
      ...["maxRetries", "retryMode", "s3UsePathStyle", "skipCredentialsValidation", "skipMetadataApiCheck"],
      ...["skipRegionValidation", "skipRequestingAccountId", "version", "allowedAccountIds"],
    ],
    secret: ["secretKey", "token"],
  },
};
