import { BUCKET_POLICY, IAM_ROLE_POLICY, IAM_USER_POLICY } from "../kinds";
import { isUnknown, object, type Properties, type Value } from "../plain";
import { several, statements } from "../policy-document";
import { resourceRule } from "../rule";

export const bucketFirstWriteWins = resourceRule({
  name: "bucket-first-write-wins",
  description: "Who writes backups can write only what is not there yet.",
  severity: "critical",
  remediationSteps:
    'In the user\'s policy allow s3:PutObject only where {"Null": {"s3:if-none-match": "false"}}; in the bucket\'s policy deny it to the ' +
    'writers where {"Null": {"s3:if-none-match": "true"}}, which also refuses uploads of several parts.',
  types: [BUCKET_POLICY, IAM_USER_POLICY, IAM_ROLE_POLICY],
  *faults({ type, props: { policy } }) {
    if (isUnknown(policy)) return;
    const all = statements(policy);
    if (type === BUCKET_POLICY) {
      // A bucket that nobody is named for is written by S3 itself.
      const writers = new Set(all.filter(isAboutWriting).flatMap(({ Principal }) => named(Principal)));
      const bound = new Set(all.filter(refusesReplacing).flatMap(({ Principal }) => named(Principal)));
      for (const writer of writers) {
        if (!bound.has(writer) && !bound.has("*")) yield `policy: ${writer} can replace what is there`;
      }
      return;
    }
    for (const [index, statement] of all.entries()) {
      const copies = several(statement.Action).includes("s3:ReplicateObject");
      if (type === IAM_USER_POLICY && statement.Effect === "Allow" && copies)
        yield `Statement[${index}] allows s3:ReplicateObject, which replaces what is there. It is for roles`;
      if (statement.Effect === "Allow" && mayPut(statement) && condition(statement) !== "false") {
        yield `Statement[${index}] allows s3:PutObject without the condition that nothing is there`;
      }
    }
  },
});

/** Of a bucket's policy: allows somebody to write, or says where somebody may. */
function isAboutWriting(statement: Properties): boolean {
  const others = several(statement.NotAction).some(isPut);
  return (statement.Effect === "Allow" && mayPut(statement)) || (statement.Effect === "Deny" && others);
}

function refusesReplacing(statement: Properties): boolean {
  const conditions = Object.entries(object(statement.Condition));
  const alone = conditions.length === 1 && Object.keys(object(conditions[0]?.[1])).length === 1;
  const everywhere = several(statement.Resource).some((resource) => String(resource).endsWith("/*"));
  return (
    statement.Effect === "Deny" && mayPut(statement) && everywhere && alone && condition(statement) === "true"
  );
}

function mayPut({ Action, NotAction }: Properties): boolean {
  return several(Action).some(isPut) || (NotAction !== undefined && !several(NotAction).some(isPut));
}

/** `s3:Put*` means it too. */
function isPut(action: Value): boolean {
  const pattern = String(action)
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`, "i").test("s3:PutObject");
}

function condition({ Condition }: Properties): string | undefined {
  const value = object(object(Condition).Null)["s3:if-none-match"];
  return value === undefined ? undefined : several(value).map(String).join();
}

function named(principal: Value): string[] {
  if (principal === "*") return ["*"];
  return several(object(principal).AWS).map(String);
}
