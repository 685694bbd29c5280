import { serviceNaming } from "../../../policy/rules/service-naming";
import { verifyRule } from "../../support/policy";

verifyRule(
  serviceNaming,
  {
    type: "estate:mariadb:Account",
    props: { user: "svc_crm", grants: [{ database: "mo_crm", privileges: ["SELECT"] }] },
  },
  [
    {
      clause: "an account on another's database",
      props: { grants: [{ database: "mo_idp", privileges: ["SELECT"] }] },
      says: ['user "svc_crm" has a grant on "mo_idp", which is not "mo_crm"'],
    },
  ],
);

verifyRule(serviceNaming, { type: "estate:postgres:Login", props: { worksAs: "svc_idp", probe: "mo_idp" } }, [
  {
    clause: "another service's database",
    props: { probe: "mo_grafana" },
    says: ['probe is "mo_grafana", whose service is "svc_grafana"'],
  },
  {
    clause: "a service without its prefix",
    props: { worksAs: "idp", probe: undefined },
    says: ['worksAs is "idp". A service\'s name begins with svc_'],
  },
]);

verifyRule(
  serviceNaming,
  {
    type: "estate:postgres:Access",
    props: {
      database: "mcp_portal",
      owners: ["mcp_admin"],
      grants: { "svc_mcp_portal_a on database": ["CONNECT"] },
      defaultGrants: { "svc_mcp_portal on tables by mcp_admin in public": ["SELECT"] },
    },
  },
  [
    {
      clause: "a grant to another service",
      props: { grants: { "svc_idp on database": ["CONNECT"] } },
      says: ['"svc_idp on database": svc_idp has no business in mcp_portal, whose service is svc_mcp_portal'],
    },
    {
      clause: "the same for what will be created",
      props: { defaultGrants: { "svc_idp on tables by mcp_admin": ["SELECT"] } },
      says: [
        '"svc_idp on tables by mcp_admin": svc_idp has no business in mcp_portal, whose service is svc_mcp_portal',
      ],
    },
  ],
);
