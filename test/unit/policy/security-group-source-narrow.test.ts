import { securityGroupSourceNarrow } from "../../../policy/rules/security-group-source-narrow";
import { verifyRule } from "../../support/policy";

verifyRule(
  securityGroupSourceNarrow,
  {
    type: "aws:ec2/securityGroup:SecurityGroup",
    props: { ingress: [{ fromPort: 22, cidrBlocks: ["10.0.0.40/29"] }] },
  },
  [
    {
      clause: "the world",
      props: { ingress: [{ fromPort: 22, cidrBlocks: ["0.0.0.0/0"] }] },
      says: ["source 0.0.0.0/0 is wider than /29. Name the machines that need it"],
    },
    {
      clause: "the world of IPv6",
      props: { ingress: [{ fromPort: 22, ipv6CidrBlocks: ["::/0"] }] },
      says: ["source ::/0 is wider than /125. Name the machines that need it"],
    },
    {
      clause: "a source that the stack does not know",
      config: { allowed: ["10.0.1.0/24"] },
      says: ["source 10.0.0.40/29 is outside the configured ranges (10.0.1.0/24)"],
    },
  ],
);

verifyRule(
  securityGroupSourceNarrow,
  {
    type: "aws:ec2/securityGroupRule:SecurityGroupRule",
    props: { type: "ingress", cidrBlocks: ["10.0.0.5/32"] },
  },
  [
    {
      clause: "the world in a rule",
      props: { cidrBlocks: ["0.0.0.0/0"] },
      says: ["source 0.0.0.0/0 is wider than /29. Name the machines that need it"],
    },
    { clause: "no way out", props: { type: "egress", cidrBlocks: ["0.0.0.0/0"] }, says: [] },
  ],
);

verifyRule(
  securityGroupSourceNarrow,
  { type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", props: { cidrIpv4: "10.0.0.5/32" } },
  [
    {
      clause: "the world in an ingress rule",
      props: { cidrIpv4: "0.0.0.0/0" },
      says: ["source 0.0.0.0/0 is wider than /29. Name the machines that need it"],
    },
    {
      clause: "the world of IPv6 in an ingress rule",
      props: { cidrIpv6: "::/0" },
      says: ["source ::/0 is wider than /125. Name the machines that need it"],
    },
  ],
);
