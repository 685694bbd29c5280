import { accessNoPublic } from "../../../policy/rules/access-no-public";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:postgres:Access",
  props: {
    grants: { "svc_idp on schema public": ["USAGE"] },
    defaultGrants: { "svc_idp on functions by mo_idp_owner in public": ["EXECUTE"] },
  },
};

verifyRule(accessNoPublic, good, [
  {
    clause: "CONNECT for PUBLIC",
    props: { grants: { "public on database": ["CONNECT"] } },
    says: ['grants["public on database"] grants to PUBLIC. Name the roles that need it'],
  },
  {
    clause: "PUBLIC in capitals",
    props: { grants: { "PUBLIC on schema public": ["USAGE"] } },
    says: ['grants["PUBLIC on schema public"] grants to PUBLIC. Name the roles that need it'],
  },
  {
    clause: "functions to be created for PUBLIC",
    props: { defaultGrants: { '"public" on functions by mo_idp_owner': ["EXECUTE"] } },
    says: [
      'defaultGrants[""public" on functions by mo_idp_owner"] grants to PUBLIC. Name the roles that need it',
    ],
  },
]);
