import { REDIS_COMMANDS } from "../../../components/plans/privileges";
import { redisUserLeastPrivilege } from "../../../policy/rules/redis-user-least-privilege";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:redis:User",
  props: { user: "svc_crm", keys: ["crm:*"], channels: ["crm:*"], commands: REDIS_COMMANDS },
};
const reaches = (category: string) =>
  `commands allow ${category}, which reaches beyond the service's keys. Take it away`;

verifyRule(redisUserLeastPrivilege, good, [
  {
    clause: "every key",
    props: { keys: ["*"] },
    says: ['keys holds "*". Begin it with the service\'s prefix'],
  },
  {
    clause: "every channel",
    props: { channels: ["*"] },
    says: ['channels holds "*". Begin it with the service\'s prefix'],
  },
  {
    clause: "every command",
    props: { commands: "-@all allcommands" },
    says: [reaches("@all"), reaches("@admin"), reaches("@dangerous")],
  },
  { clause: "administration", props: { commands: "-@all +@read +@admin" }, says: [reaches("@admin")] },
  { clause: "@dangerous", props: { commands: "-@all +@DANGEROUS" }, says: [reaches("@dangerous")] },
  {
    clause: "everything but @dangerous",
    props: { commands: "+@all -@dangerous" },
    says: [reaches("@all"), reaches("@admin")],
  },
]);
