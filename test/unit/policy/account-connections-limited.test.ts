import { accountConnectionsLimited } from "../../../policy/rules/account-connections-limited";
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

verifyRule(accountConnectionsLimited, good, [
  { clause: "0", props: { maxUserConnections: 0 }, says: ["maxUserConnections is 0. Use 1 to 20"] },
  { clause: "21", props: { maxUserConnections: 21 }, says: ["maxUserConnections is 21. Use 1 to 20"] },
  {
    clause: "a fraction",
    props: { maxUserConnections: 1.5 },
    says: ["maxUserConnections is 1.5. Use 1 to 20"],
  },
  {
    clause: "none",
    props: { maxUserConnections: undefined },
    says: ["maxUserConnections is not set. Use 1 to 20"],
  },
  {
    clause: "more than the stack allows",
    config: { maximum: 10 },
    says: ["maxUserConnections is 20. Use 1 to 10"],
  },
]);

verifyRule(accountConnectionsLimited, { type: "estate:postgres:Login", props: { connectionLimit: 1 } }, [
  { clause: "no limit", props: { connectionLimit: -1 }, says: ["connectionLimit is -1. Use 1 to 20"] },
]);
