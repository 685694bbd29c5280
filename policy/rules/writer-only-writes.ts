import { IAM_USER_POLICY } from "../kinds";
import { show } from "../plain";
import { several, statements } from "../policy-document";
import { type Standing, stackRule } from "../rule";

/** What a writer may: put objects, encrypted with the bucket's key. */
const WRITES = ["s3:PutObject", "kms:GenerateDataKey", "kms:Encrypt"];

/** With a stolen key of a host nobody reads what other hosts, or the same one, saved. */
export const writerOnlyWrites = stackRule({
  name: "writer-only-writes",
  description: "Who writes backups can read, list and decrypt none.",
  severity: "critical",
  remediationSteps: "Give what reads to a user of its own: components/plans/backup-bucket.ts.",
  *faults(resources) {
    const policies = resources.filter(({ type }) => type === IAM_USER_POLICY);
    const users = new Map<unknown, Standing[]>();
    for (const policy of policies) {
      const user = policy.madeFrom.user?.[0] ?? policy.inputs.user;
      users.set(user, [...(users.get(user) ?? []), policy]);
    }
    for (const own of users.values()) {
      if (!own.some((policy) => allowedBy(policy).includes("s3:PutObject"))) continue;
      for (const at of own) {
        const others = allowedBy(at).filter((action) => !WRITES.includes(action));
        if (others.length > 0)
          yield { at, fault: `allows ${others.join(", ")} to ${show(at.inputs.name)}, who writes backups` };
      }
    }
  },
});

function allowedBy({ inputs, props }: Standing): string[] {
  const allows = statements(inputs.policy ?? props.policy).filter(({ Effect }) => Effect === "Allow");
  return allows.flatMap(({ Action }) => several(Action)).map(String);
}
