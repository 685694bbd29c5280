import { type Sources, sourceFault, unionFaults } from "../addresses";
import { incoming, portRanges } from "../firewall-rules";
import { FIREWALL } from "../kinds";
import { isUnknown, type Properties, show } from "../plain";
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
    const { incoming: rest = "deny" } = props;
    if (!isUnknown(rest) && rest !== "deny") {
      yield `incoming is ${show(rest)}: what no rule names gets in. Use "deny"`;
    }
    const rules = incoming(props);
    yield* unionFaults(doorsByPort(rules), sources);
    for (const { port, from } of rules) {
      if (typeof from === "symbol") continue;
      const fault = sourceFault(typeof from === "string" ? from : "any", sources);
      if (fault) yield `port ${String(port)}: ${fault}`;
    }
  },
});

/** Each port by its number, however its rules write it: `22`, `"22"` and `"20:30"` open the same one. */
function doorsByPort(rules: readonly Properties[]): { port: string; from: unknown }[] {
  const ranges = rules.flatMap(({ port, from }) => portRanges(port).map((range) => ({ range, from })));
  // Where no range begins, no more sources are let in than before it.
  const firsts = [...new Set(ranges.map(({ range: [first] }) => first))];
  return firsts.flatMap((at) =>
    ranges
      .filter(({ range: [first, last] }) => first <= at && at <= last)
      .map(({ from }) => ({ port: String(at), from })),
  );
}
