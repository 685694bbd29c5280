import { IAM_ROLE_POLICY, IAM_USER_POLICY } from "../kinds";
import { object, type Properties, show } from "../plain";
import { documentOf, several } from "../policy-document";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  actions: string[];
}

/** A bucket, what lies below a prefix of it, or one key: nothing that a pattern could widen. */
const RESOURCE =
  /^arn:aws:(?:s3:::[a-z0-9][a-z0-9.-]{2,62}(?:\/(?:[\w./-]*\/)?\*)?|kms:[a-z0-9-]+:\d{12}:key\/[\w-]+)$/;

export const iamStatementNarrow = resourceRule<Config>({
  name: "iam-statement-narrow",
  description: "An identity may do named things to named buckets and keys, and nothing else.",
  severity: "critical",
  remediationSteps: "Name actions and ARNs one by one: components/plans/backup-bucket.ts.",
  config: {
    actions: textList("Actions that an identity may have", [
      ...["s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:GetObjectVersion", "s3:RestoreObject"],
      ...["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation", "s3:GetReplicationConfiguration"],
      ...["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
      ...["s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:ReplicateObject", "s3:ReplicateTags"],
      ...["kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"],
    ]),
  },
  types: [IAM_USER_POLICY, IAM_ROLE_POLICY],
  *faults({ type, props }, { actions }) {
    const document = documentOf(props.policy);
    for (const fault of document?.faults ?? []) yield `policy: ${fault}`;
    for (const [index, statement] of (document?.statements ?? []).entries()) {
      if (statement.Effect !== "Allow") continue;
      for (const fault of allowed(statement, actions)) yield `Statement[${index}] ${fault}`;
      const whole = several(statement.Resource).some((one) => /^arn:aws:s3:::[^/]*\/\*$/.test(String(one)));
      if (type === IAM_USER_POLICY && whole && several(statement.Action).includes("s3:PutObject"))
        yield `Statement[${index}] lets a user write the whole bucket. Name a prefix of its own`;
    }
  },
});

function* allowed(statement: Properties, actions: readonly string[]): Iterable<string> {
  const { Action, NotAction, Resource, NotResource, Condition } = statement;
  if (NotAction !== undefined) yield "allows all but some (NotAction). Name the actions";
  if (NotResource !== undefined) yield "allows it on all but some (NotResource). Name the resources";
  const named = several(Action);
  for (const action of named) {
    if (!actions.includes(String(action))) yield `allows ${show(action)}, which is not on the list`;
  }
  for (const resource of several(Resource)) {
    if (typeof resource !== "string" || !RESOURCE.test(resource)) {
      yield `allows it on ${show(resource)}. Name one bucket, one prefix of it or one key`;
    }
  }
  const throughS3 = String(object(object(Condition).StringEquals)["kms:ViaService"] ?? "");
  if (
    named.some((action) => String(action).startsWith("kms:")) &&
    !/^s3\.[a-z0-9-]+\.amazonaws\.com$/.test(throughS3)
  ) {
    yield "lets it use the key outside of S3. Add the condition StringEquals kms:ViaService";
  }
}
