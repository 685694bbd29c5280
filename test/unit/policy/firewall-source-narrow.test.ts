import { firewallSourceNarrow } from "../../../policy/rules/firewall-source-narrow";
import { verifyRule } from "../../support/policy";

const rule = (port: unknown, from: unknown) => ({ port, protocol: "tcp", from, comment: "why" });
const rules = (...all: ReturnType<typeof rule>[]) => ({
  rules: Object.fromEntries(all.map((one) => [`tcp ${one.port} from ${one.from}`, one])),
});
const good = {
  type: "estate:host:Firewall",
  props: {
    label: "db",
    incoming: "deny",
    ...rules(rule(22, "10.0.0.40/29"), rule(3306, "10.0.0.5"), rule(5432, "fd00::5")),
  },
};

verifyRule(firewallSourceNarrow, good, [
  {
    clause: "the world",
    props: rules(rule(22, "0.0.0.0/0")),
    says: ["port 22: source 0.0.0.0/0 is wider than /29. Name the machines that need it"],
  },
  {
    clause: "the world of IPv6",
    props: rules(rule(22, "::/0")),
    says: ["port 22: source ::/0 is wider than /125. Name the machines that need it"],
  },
  {
    clause: "a network",
    props: rules(rule(22, "10.0.0.0/24")),
    says: ["port 22: source 10.0.0.0/24 is wider than /29. Name the machines that need it"],
  },
  {
    clause: "no source",
    props: rules(rule(22, undefined)),
    says: ['port 22: source "any" is no address or range. Write it as 203.0.113.11/32'],
  },
  {
    clause: "a source that the stack does not know",
    props: rules(rule(22, "10.0.0.40/29"), rule(3306, "10.0.0.6")),
    config: { allowed: ["10.0.0.32/28"] },
    says: ["port 3306: source 10.0.0.6 is outside the configured ranges (10.0.0.32/28)"],
  },
  {
    clause: "an open default",
    props: { incoming: "allow" },
    says: ['incoming is "allow": what no rule names gets in. Use "deny"'],
  },
]);
