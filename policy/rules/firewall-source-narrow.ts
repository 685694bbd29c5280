import { type Sources, sourceFault } from "../addresses";
import { FIREWALL } from "../kinds";
import { isUnknown, object, objects, show } from "../plain";
import { resourceRule } from "../rule";
import { sourceSettings } from "../settings";

export const firewallSourceNarrow = resourceRule<Sources>({
  name: "firewall-source-narrow",
  description: "A host's firewall opens a port to few machines, never to the world.",
  severity: "critical",
  remediationSteps:
    "Narrow access.operators or access.pleskAddress of the stack: the firewall's rules follow from them.",
  config: sourceSettings(29, 125),
  types: [FIREWALL],
  *faults({ props }, sources) {
    const { incoming = "deny" } = props;
    if (!isUnknown(incoming) && incoming !== "deny") {
      yield `incoming is ${show(incoming)}: what no rule names gets in. Use "deny"`;
    }
    for (const { port, from } of objects(Object.values(object(props.rules)))) {
      if (typeof from === "symbol") continue;
      const fault = sourceFault(typeof from === "string" ? from : "any", sources);
      if (fault) yield `port ${String(port)}: ${fault}`;
    }
  },
});
