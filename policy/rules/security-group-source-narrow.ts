import { type Sources, sourceFault, unionFaults } from "../addresses";
import { SECURITY_GROUP } from "../kinds";
import { objects, type Properties, texts } from "../plain";
import { resourceRule } from "../rule";
import { GROUPS, groupDoors } from "../security-groups";
import { sourceSettings } from "../settings";

export const securityGroupSourceNarrow = resourceRule<Sources>({
  name: "security-group-source-narrow",
  description: "A security group lets in few machines, never the world.",
  severity: "critical",
  remediationSteps: "Name the machines' addresses as the source, or the security group they are in.",
  config: sourceSettings(29, 125),
  types: GROUPS,
  *faults({ type, props }, sources) {
    const all = groupDoors(type, props).map(({ from }) => String(from));
    yield* unionFaults(
      all.map((from) => ({ port: "of the group", from })),
      sources,
    );
    for (const group of groupsOf(type, props)) {
      if (!/^sg-[0-9a-f]+$/.test(group))
        yield `lets in the group ${group}. Name a group of the same account, sg-...`;
    }
    for (const source of all) {
      const fault = sourceFault(source, sources);
      if (fault) yield fault;
    }
  },
});

/** Groups whose members are let in; of another account it would be its number before the group's. */
function groupsOf(type: string, props: Properties): string[] {
  const { sourceSecurityGroupId, referencedSecurityGroupId } = props;
  const named = [sourceSecurityGroupId, referencedSecurityGroupId].filter(
    (group) => typeof group === "string",
  );
  return type === SECURITY_GROUP
    ? objects(props.ingress).flatMap(({ securityGroups }) => texts(securityGroups))
    : named;
}
