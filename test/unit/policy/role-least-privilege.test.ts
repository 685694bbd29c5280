import { roleLeastPrivilege } from "../../../policy/rules/role-least-privilege";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:postgres:Role",
  props: { name: "mo_idp_owner", attributes: [], memberships: ["svc_other"] },
};

verifyRule(roleLeastPrivilege, good, [
  ...["SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS", "REPLICATION"].map((attribute) => ({
    clause: attribute,
    props: { attributes: [attribute] },
    says: [`attributes holds ${attribute}: a power over the whole server. Leave it out`],
  })),
  {
    clause: "a login",
    props: { attributes: ["LOGIN"] },
    says: ["attributes holds LOGIN: nobody logs in as an owner or a service. Use a login slot"],
  },
  {
    clause: "membership in a role of the server",
    props: { memberships: ["pg_execute_server_program"] },
    says: [
      'memberships holds "pg_execute_server_program", a power over more than its own rows. Leave it out',
    ],
  },
]);
