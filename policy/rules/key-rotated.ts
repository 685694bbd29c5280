import { KMS_KEY } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  minimumDeletionDays: number;
}

export const keyRotated = resourceRule<Config>({
  name: "key-rotated",
  description: "A KMS key is renewed by itself, and cannot be lost in a hurry: with it goes every backup.",
  severity: "high",
  remediationSteps:
    "Set enableKeyRotation to true, deletionWindowInDays to 30 and the option protect to true.",
  config: { minimumDeletionDays: wholeNumber("Days before a deleted key is gone, at least", 30, 7, 30) },
  types: [KMS_KEY],
  *faults({ props: { enableKeyRotation, deletionWindowInDays }, opts }, { minimumDeletionDays }) {
    if (!opts.protect) yield "is not protected: a run could delete it. Set the option protect: true";
    if (enableKeyRotation !== true && !isUnknown(enableKeyRotation)) {
      yield `enableKeyRotation is ${show(enableKeyRotation)}. Set it to true`;
    }
    // 30 is the default of KMS.
    if (
      deletionWindowInDays !== undefined &&
      !isUnknown(deletionWindowInDays) &&
      !(Number(deletionWindowInDays) >= minimumDeletionDays)
    ) {
      yield `deletionWindowInDays is ${show(deletionWindowInDays)}. Use ${minimumDeletionDays} or leave it out`;
    }
  },
});
