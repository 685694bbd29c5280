import { ACCESS_KEY, IAM_ROLE, IAM_ROLE_POLICY, IAM_USER, IAM_USER_POLICY, REPLICATION } from "../kinds";
import { isUnknown, show } from "../plain";
import { stackRule } from "../rule";

/** By type: the property that names an identity, and what makes such identities. */
const NAMES: Readonly<Record<string, { property: string; made: string }>> = {
  [ACCESS_KEY]: { property: "user", made: IAM_USER },
  [IAM_USER_POLICY]: { property: "user", made: IAM_USER },
  [IAM_ROLE_POLICY]: { property: "role", made: IAM_ROLE },
  [REPLICATION]: { property: "role", made: IAM_ROLE },
};

export const identityOwn = stackRule({
  name: "identity-own",
  description:
    "Keys and rights are given to users and roles of this stack, and to nobody who was there before.",
  severity: "critical",
  remediationSteps: "Declare the user or role in this program, and take its name or ARN from it.",
  *faults(resources) {
    for (const at of resources) {
      const { property, made } = NAMES[at.type] ?? {};
      if (property === undefined) continue;
      const named = at.inputs[property];
      const own = resources.filter(({ type }) => type === made);
      const from = (at.madeFrom[property] ?? []).some((source) => own.includes(source));
      const known = own.flatMap(({ inputs, props }) => [inputs.name, props.arn]);
      if (isUnknown(named) ? from : named !== undefined && known.includes(named)) continue;
      yield { at, fault: `${property} is ${show(named)}, which is none of this stack` };
    }
  },
});
