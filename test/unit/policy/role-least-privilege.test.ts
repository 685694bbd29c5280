import { roleLeastPrivilege } from "../../../policy/rules/role-least-privilege";
import { verifyRule } from "../../support/policy";

const good = {
  type: "postgresql:index/role:Role",
  props: {
    name: "mo_idp_owner",
    login: false,
    superuser: false,
    createRole: false,
    createDatabase: false,
    bypassRowLevelSecurity: false,
    replication: false,
    roles: ["svc_other"],
  },
};

verifyRule(roleLeastPrivilege, good, [
  ...Object.entries({
    superuser: "SUPERUSER",
    createRole: "CREATEROLE",
    createDatabase: "CREATEDB",
    bypassRowLevelSecurity: "BYPASSRLS",
    replication: "REPLICATION",
  }).map(([property, attribute]) => ({
    clause: attribute,
    props: { [property]: true },
    says: [`${property} is true: the role would be ${attribute}. Leave it out`],
  })),
  {
    clause: "a login",
    props: { login: true },
    says: ["login is true: nobody logs in as an owner or a service. Use a login slot"],
  },
  {
    clause: "membership in a role of the server",
    props: { roles: ["pg_execute_server_program"] },
    says: ['roles holds "pg_execute_server_program", a power over the whole server. Leave it out'],
  },
]);
