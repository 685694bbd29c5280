import { accessLeastPrivilege } from "../../../policy/rules/access-least-privilege";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:postgres:Access",
  props: {
    database: "mo_idp",
    grants: { "svc_idp on tables in public": ["SELECT"] },
    defaultGrants: { "svc_idp on tables by mo_idp_owner in public": ["SELECT"] },
  },
};

verifyRule(accessLeastPrivilege, good, [
  {
    clause: "ALL",
    props: { grants: { "svc_idp on tables in public": ["ALL"] } },
    says: ['grants["svc_idp on tables in public"] holds ALL. Name the privileges one by one'],
  },
  {
    clause: "ALL PRIVILEGES for what will be created",
    props: { defaultGrants: { "svc_idp on tables by mo_idp_owner": ["all privileges"] } },
    says: [
      'defaultGrants["svc_idp on tables by mo_idp_owner"] holds ALL PRIVILEGES. Name the privileges one by one',
    ],
  },
  {
    clause: "a grant that can be passed on",
    props: { grants: { "svc_idp on database": ["CONNECT WITH GRANT OPTION"] } },
    says: [
      'grants["svc_idp on database"] holds CONNECT WITH GRANT OPTION: the role could pass it on. Grant it without the option',
    ],
  },
  {
    clause: "the same in the server's spelling",
    props: { grants: { "svc_idp on database": ["CONNECT*"] } },
    says: [
      'grants["svc_idp on database"] holds CONNECT*: the role could pass it on. Grant it without the option',
    ],
  },
]);
