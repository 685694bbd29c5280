import { VERSIONING } from "../kinds";
import { isUnknown, object, show } from "../plain";
import { resourceRule } from "../rule";

export const bucketVersioned = resourceRule({
  name: "bucket-versioned",
  description: "A bucket keeps what is overwritten or deleted.",
  severity: "high",
  remediationSteps: 'Set versioningConfiguration.status to "Enabled".',
  types: [VERSIONING],
  *faults({ props: { versioningConfiguration } }) {
    const { status } = object(versioningConfiguration);
    if (isUnknown(versioningConfiguration) || isUnknown(status) || status === "Enabled") return;
    yield `versioningConfiguration.status is ${show(status)}. Use "Enabled"`;
  },
});
