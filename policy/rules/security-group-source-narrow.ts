import { type Sources, sourceFault } from "../addresses";
import { SECURITY_GROUP, SECURITY_GROUP_INGRESS, SECURITY_GROUP_RULE } from "../kinds";
import { objects, type Properties, texts } from "../plain";
import { resourceRule } from "../rule";
import { sourceSettings } from "../settings";

export const securityGroupSourceNarrow = resourceRule<Sources>({
  name: "security-group-source-narrow",
  description: "A security group lets in few machines, never the world.",
  severity: "critical",
  remediationSteps: "Name the machines' addresses as the source, or the security group they are in.",
  config: sourceSettings(29, 125),
  types: [SECURITY_GROUP, SECURITY_GROUP_RULE, SECURITY_GROUP_INGRESS],
  *faults({ type, props }, sources) {
    for (const source of sourcesOf(type, props)) {
      const fault = sourceFault(source, sources);
      if (fault) yield fault;
    }
  },
});

function sourcesOf(type: string, props: Properties): string[] {
  if (type === SECURITY_GROUP) return objects(props.ingress).flatMap(blocks);
  if (type === SECURITY_GROUP_RULE) return props.type === "ingress" ? blocks(props) : [];
  return [props.cidrIpv4, props.cidrIpv6].filter((source) => typeof source === "string");
}

function blocks({ cidrBlocks, ipv6CidrBlocks }: Properties): string[] {
  return [...texts(cidrBlocks), ...texts(ipv6CidrBlocks)];
}
