import { regionEuropean } from "../../../policy/rules/region-european";
import { verifyRule } from "../../support/policy";

verifyRule(regionEuropean, { type: "pulumi:providers:aws", props: { region: "eu-central-1" } }, [
  {
    clause: "London",
    props: { region: "eu-west-2" },
    config: { allowed: ["eu-central-1", "eu-west-1"] },
    says: ['region is "eu-west-2". Use one of eu-central-1, eu-west-1'],
  },
  {
    clause: "Virginia",
    props: { region: "us-east-1" },
    says: [
      'region is "us-east-1". Use one of eu-central-1, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-3',
    ],
  },
  {
    clause: "a provider that does not say",
    props: { region: undefined },
    config: { allowed: ["eu-central-1"] },
    says: ["region is not set. Use one of eu-central-1"],
  },
]);

verifyRule(regionEuropean, { type: "aws:s3/bucket:Bucket", props: { bucket: "backups" } }, [
  {
    clause: "a resource elsewhere than its provider",
    props: { region: "us-east-1" },
    config: { allowed: ["eu-central-1"] },
    says: ['region is "us-east-1". Use one of eu-central-1'],
  },
]);
