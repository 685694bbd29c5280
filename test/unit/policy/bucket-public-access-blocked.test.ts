import { expect, it } from "vitest";
import { bucketPublicAccessBlocked } from "../../../policy/rules/bucket-public-access-blocked";
import { mended, verifyRule } from "../../support/policy";

const flags = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
const complete = Object.fromEntries(flags.map((flag) => [flag, true]));
const good = {
  type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  props: { bucket: "backups", ...complete },
};

verifyRule(bucketPublicAccessBlocked, good, [
  ...flags.map((flag) => ({
    clause: `${flag} off`,
    props: { [flag]: false },
    says: [`${flag} is false. Set it to true`],
  })),
  ...flags.map((flag) => ({
    clause: `no ${flag}`,
    props: { [flag]: undefined },
    says: [`${flag} is not set. Set it to true`],
  })),
]);

it("closes what is open, and leaves the rest as it is", () => {
  const open = { ...good, props: { bucket: "backups", blockPublicAcls: false } };
  expect(mended(bucketPublicAccessBlocked, open)).toEqual(good.props);
  expect(mended(bucketPublicAccessBlocked, good)).toBeUndefined();
});
