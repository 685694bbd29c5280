import { AWS_PROVIDER } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  allowed: string[];
}

export const regionEuropean = resourceRule<Config>({
  name: "region-european",
  description: "Personal data stays in the European Union.",
  severity: "critical",
  remediationSteps: "Set `backup.region` of the stack to a region in the EU.",
  config: {
    // Not eu-west-2 (London) and eu-central-2 (Zurich), which lie outside of the EU.
    allowed: textList("Regions in the EU", [
      "eu-central-1",
      "eu-north-1",
      "eu-south-1",
      "eu-south-2",
      "eu-west-1",
      "eu-west-3",
    ]),
  },
  types: /^(pulumi:providers:aws|aws:.+)$/,
  *faults({ type, props: { region } }, { allowed }) {
    if (isUnknown(region) || allowed.includes(String(region))) return;
    // A resource without a region of its own is where its provider is, which is looked at too.
    if (type !== AWS_PROVIDER && region === undefined) return;
    yield `region is ${show(region)}. Use one of ${allowed.join(", ")}`;
  },
});
