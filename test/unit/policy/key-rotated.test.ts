import { keyRotated } from "../../../policy/rules/key-rotated";
import { verifyRule } from "../../support/policy";

const good = {
  type: "aws:kms/key:Key",
  props: { enableKeyRotation: true, deletionWindowInDays: 30 },
  protect: true,
};

verifyRule(keyRotated, good, [
  {
    clause: "no rotation",
    props: { enableKeyRotation: false },
    says: ["enableKeyRotation is false. Set it to true"],
  },
  {
    clause: "rotation not said",
    props: { enableKeyRotation: undefined },
    says: ["enableKeyRotation is not set. Set it to true"],
  },
  {
    clause: "a quick end",
    props: { deletionWindowInDays: 7 },
    says: ["deletionWindowInDays is 7. Use 30 or leave it out"],
  },
]);
