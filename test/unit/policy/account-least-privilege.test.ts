import { accountLeastPrivilege } from "../../../policy/rules/account-least-privilege";
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

const granting = (database: string, ...privileges: string[]) => ({ grants: [{ database, privileges }] });

verifyRule(accountLeastPrivilege, good, [
  ...["ALL PRIVILEGES", "ALL", "GRANT OPTION", "SUPER", "FILE", "PROCESS", "RELOAD", "CREATE USER"].map(
    (privilege) => ({
      clause: privilege,
      props: granting("mo_crm", "SELECT", privilege),
      says: [`${privilege} on "mo_crm" is never granted. Name what the service needs`],
    }),
  ),
  {
    clause: "a privilege in other spelling",
    props: granting("mo_crm", "grant  option"),
    says: ['GRANT OPTION on "mo_crm" is never granted. Name what the service needs'],
  },
  {
    clause: "every database",
    props: granting("*", "SELECT"),
    says: ['a grant is on "*", which is no single database. Name the service\'s own'],
  },
  {
    clause: "a pattern of databases",
    props: granting("mo%", "SELECT"),
    says: ['a grant is on "mo%", which is no single database. Name the service\'s own'],
  },
  {
    clause: "the server's own database",
    props: granting("mysql", "SELECT"),
    says: ['a grant is on "mysql", the server\'s own database. Leave it out'],
  },
  {
    clause: "what the stack forbids besides",
    props: granting("mo_crm", "TRIGGER"),
    config: { forbidden: ["TRIGGER"] },
    says: ['TRIGGER on "mo_crm" is never granted. Name what the service needs'],
  },
]);
