import type { ReplicationRule, StorageClass } from "@aws-sdk/client-s3";
import { type BucketSettingInputs, bucketSetting } from "./bucket-setting";
import { found } from "./clients";

interface Switch {
  status: "Enabled" | "Disabled";
}

interface Rule extends Switch {
  id: string;
  priority: number;
  filter?: { prefix?: string };
  destination: {
    bucket: string;
    storageClass?: string;
    encryptionConfiguration?: { replicaKmsKeyId: string };
  };
  deleteMarkerReplication?: Switch;
  sourceSelectionCriteria?: { sseKmsEncryptedObjects?: Switch };
}

interface Replication extends BucketSettingInputs {
  role: string;
  rules: Rule[];
}

const text = { type: "string", required: true } as const;
const onOrOff = {
  type: "object",
  fields: {
    status: {
      ...text,
      fault: (value: unknown) =>
        /^(Enabled|Disabled)$/.test(String(value)) ? undefined : "must be Enabled or Disabled",
    },
  },
} as const;

/** `aws:s3/bucketReplicationConfig:BucketReplicationConfig`: copies within one account. */
export const replication = bucketSetting<Replication>({
  token: "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
  fields: {
    role: text,
    rules: {
      type: "objects",
      required: true,
      fields: {
        id: text,
        priority: { type: "number", required: true },
        status: onOrOff.fields.status,
        filter: { type: "object", fields: { prefix: { type: "string" } } },
        destination: {
          type: "object",
          required: true,
          fields: {
            bucket: text,
            storageClass: { type: "string" },
            encryptionConfiguration: { type: "object", fields: { replicaKmsKeyId: text } },
          },
        },
        deleteMarkerReplication: onOrOff,
        sourceSelectionCriteria: { type: "object", fields: { sseKmsEncryptedObjects: onOrOff } },
      },
    },
  },
  async write(s3, { bucket: Bucket, role: Role, rules }) {
    const { PutBucketReplicationCommand } = await import("@aws-sdk/client-s3");
    const ReplicationConfiguration = { Role, Rules: rules.map(toAws) };
    await s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration }));
  },
  async read(s3, Bucket) {
    const { GetBucketReplicationCommand } = await import("@aws-sdk/client-s3");
    const answer = await found(s3.send(new GetBucketReplicationCommand({ Bucket })));
    const replicated = answer?.ReplicationConfiguration;
    return replicated && { role: replicated.Role ?? "", rules: (replicated.Rules ?? []).map(fromAws) };
  },
  async remove(s3, { bucket: Bucket }) {
    const { DeleteBucketReplicationCommand } = await import("@aws-sdk/client-s3");
    await s3.send(new DeleteBucketReplicationCommand({ Bucket }));
  },
});

function toAws(rule: Rule): ReplicationRule {
  const { destination, deleteMarkerReplication, sourceSelectionCriteria } = rule;
  const encrypted = sourceSelectionCriteria?.sseKmsEncryptedObjects;
  return {
    ID: rule.id,
    Priority: rule.priority,
    Status: rule.status,
    Filter: { Prefix: rule.filter?.prefix ?? "" },
    Destination: {
      Bucket: destination.bucket,
      StorageClass: destination.storageClass as StorageClass | undefined,
      ...(destination.encryptionConfiguration && {
        EncryptionConfiguration: { ReplicaKmsKeyID: destination.encryptionConfiguration.replicaKmsKeyId },
      }),
    },
    ...(deleteMarkerReplication && { DeleteMarkerReplication: { Status: deleteMarkerReplication.status } }),
    ...(encrypted && { SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: encrypted.status } } }),
  };
}

function fromAws(rule: ReplicationRule): Rule {
  const { Destination, DeleteMarkerReplication, SourceSelectionCriteria } = rule;
  const replicaKmsKeyId = Destination?.EncryptionConfiguration?.ReplicaKmsKeyID;
  const marker = DeleteMarkerReplication?.Status;
  const encrypted = SourceSelectionCriteria?.SseKmsEncryptedObjects?.Status;
  return {
    id: rule.ID ?? "",
    priority: rule.Priority ?? 0,
    status: rule.Status ?? "Disabled",
    filter: { prefix: rule.Filter?.Prefix ?? "" },
    destination: {
      bucket: Destination?.Bucket ?? "",
      ...(Destination?.StorageClass && { storageClass: Destination.StorageClass }),
      ...(replicaKmsKeyId && { encryptionConfiguration: { replicaKmsKeyId } }),
    },
    ...(marker && { deleteMarkerReplication: { status: marker } }),
    ...(encrypted && { sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: encrypted } } }),
  };
}
