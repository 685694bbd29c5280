import { accountHostExact } from "../../../policy/rules/account-host-exact";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:mariadb:Account",
  props: {
    user: "svc_crm",
    host: "10.0.0.5",
    otherHosts: ["localhost"],
    require: "SSL",
    maxUserConnections: 20,
    grants: [{ database: "mo_crm", privileges: ["SELECT", "CREATE TEMPORARY TABLES"] }],
  },
};

verifyRule(accountHostExact, good, [
  {
    clause: "%",
    props: { host: "%" },
    says: ['host is "%": any machine it matches may log in. Use one address or localhost'],
  },
  {
    clause: "a pattern",
    props: { host: "10.0.0.%" },
    says: ['host is "10.0.0.%": any machine it matches may log in. Use one address or localhost'],
  },
  {
    clause: "a range",
    props: { host: "10.0.0.0/24" },
    says: ['host is "10.0.0.0/24": any machine it matches may log in. Use one address or localhost'],
  },
  {
    clause: "no host, which is %",
    props: { host: undefined },
    says: ["host is not set: any machine it matches may log in. Use one address or localhost"],
  },
  {
    clause: "a wildcard among the other hosts",
    props: { otherHosts: ["localhost", "10.0.0._"] },
    says: ['otherHosts holds "10.0.0._". Use one address or localhost'],
  },
]);
