import { RANDOM_PASSWORD } from "../kinds";
import { isUnknown, show } from "../plain";
import { resourceRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  minimumLength: number;
}

export const passwordStrong = resourceRule<Config>({
  name: "password-strong",
  description: "A generated password is long and of letters in both cases and digits.",
  severity: "high",
  remediationSteps: "Make passwords with `password()` of components/passwords.ts.",
  config: { minimumLength: wholeNumber("Characters at least", 32, 32, 512) },
  types: [RANDOM_PASSWORD],
  *faults({ props }, { minimumLength }) {
    const { length } = props;
    if (!isUnknown(length) && !(typeof length === "number" && length >= minimumLength)) {
      yield `length is ${show(length)}. Use ${minimumLength} or more`;
    }
    for (const property of ["lower", "upper", "numeric", "number"]) {
      if (props[property] === false) yield `${property} is false. Leave it out`;
    }
  },
});
