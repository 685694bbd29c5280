import { ENCRYPTION, KMS_KEY, REPLICATION } from "../kinds";
import { isUnknown, object, objects, show, type Value } from "../plain";
import { type Standing, stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  keys: string[];
}

export const bucketKeyOwn = stackRule<Config>({
  name: "bucket-key-own",
  description:
    "What encrypts a bucket or its copies is a key of this stack: with a stranger's key goes every backup.",
  severity: "critical",
  remediationSteps: "Take the key's ARN from the aws.kms.Key of this program, or name it in `keys` here.",
  config: { keys: textList("ARNs of keys that are the operator's own and made elsewhere", []) },
  *faults(resources, { keys }) {
    const made = resources.filter(({ type }) => type === KMS_KEY);
    const own = new Set<unknown>([
      ...keys,
      ...made.flatMap(({ props: { arn, id, keyId } }) => [arn, id, keyId]),
    ]);
    for (const at of resources) {
      for (const [property, key] of keysOf(at)) {
        const fromStack = (at.madeFrom.rules ?? []).some((source) => made.includes(source));
        if (isUnknown(key) ? fromStack : own.has(key)) continue;
        yield { at, fault: `${property} is ${show(key)}, which is no key of this stack` };
      }
    }
  },
});

function keysOf({ type, inputs: { rules } }: Standing): [property: string, key: Value][] {
  if (type === ENCRYPTION) {
    return objects(rules).flatMap(({ applyServerSideEncryptionByDefault: byDefault }) =>
      set("kmsMasterKeyId", object(byDefault).kmsMasterKeyId),
    );
  }
  if (type !== REPLICATION) return [];
  return objects(rules).flatMap(({ destination }) =>
    set("replicaKmsKeyId", object(object(destination).encryptionConfiguration).replicaKmsKeyId),
  );
}

/** That a bucket names a key at all is the business of bucket-encrypted. */
function set(property: string, key: Value): [string, Value][] {
  return key === undefined || key === "" ? [] : [[property, key]];
}
