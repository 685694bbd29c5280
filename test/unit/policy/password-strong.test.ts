import { passwordStrong } from "../../../policy/rules/password-strong";
import { verifyRule } from "../../support/policy";

const good = {
  type: "random:index/randomPassword:RandomPassword",
  props: { length: 40, lower: true, upper: true, numeric: true },
};

verifyRule(passwordStrong, good, [
  { clause: "31 characters", props: { length: 31 }, says: ["length is 31. Use 32 or more"] },
  { clause: "no length", props: { length: undefined }, says: ["length is not set. Use 32 or more"] },
  {
    clause: "less than the stack asks",
    config: { minimumLength: 48 },
    says: ["length is 40. Use 48 or more"],
  },
  ...["lower", "upper", "numeric"].map((property) => ({
    clause: `no ${property}`,
    props: { [property]: false },
    says: [`${property} is false. Leave it out`],
  })),
]);
