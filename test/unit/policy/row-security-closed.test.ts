import { rowSecurityClosed } from "../../../policy/rules/row-security-closed";
import { verifyRule } from "../../support/policy";

const tenant = '"team_id" = (SELECT context.tenant())';
const policy = (changes: object = {}) => ({
  policies: { "users.member.select": { table: "users", to: ["ncy8_member"], using: tenant, ...changes } },
});
const key = 'policies["users.member.select"]';

const good = {
  type: "estate:postgres:RowSecurity",
  props: {
    database: "ncy8",
    owner: "ncy8_owner",
    identities: { ncy8_member: { members: ["svc_ncy8"] }, ncy8_robot: { members: [] } },
    tables: { users: "forced", languages: "off" },
    exceptions: { languages: "the same for all" },
    policies: {
      ...policy().policies,
      "users.owner.insert": { table: "users", to: ["ncy8_owner"], withCheck: "true" },
      "users.robot.select": { table: "users", to: ["ncy8_robot"], using: "true" },
    },
    grants: { "ncy8_member on table public.users": ["SELECT", "UPDATE (name)"] },
  },
};

verifyRule(rowSecurityClosed, good, [
  {
    clause: "a table without row security and without a reason",
    props: { exceptions: { languages: " " } },
    says: ["tables.languages is off without a reason in exceptions. Force it, or say why"],
  },
  {
    clause: "row security that does not bind the owner",
    props: { tables: { users: "not forced" } },
    says: ["tables.users is not forced without a reason in exceptions. Force it, or say why"],
  },
  {
    clause: "a policy for everybody",
    props: policy({ to: ["public"] }),
    says: [`${key}.to is [public]. Name one role: a policy each`],
  },
  {
    clause: "a policy for two roles",
    props: policy({ to: ["ncy8_member", "ncy8_robot"] }),
    says: [`${key}.to is [ncy8_member, ncy8_robot]. Name one role: a policy each`],
  },
  {
    clause: "a rule that is always true",
    props: policy({ using: "true" }),
    says: [`${key}.using is true: it asks for no context, or not once a query`],
  },
  {
    clause: "a rule with a way out",
    props: policy({ using: `${tenant} OR true` }),
    says: [`${key}.using is ${tenant} OR true: it asks for no context, or not once a query`],
  },
  {
    clause: "a context that is asked for each row",
    props: policy({ withCheck: '"team_id" = context.tenant()' }),
    says: [`${key}.withCheck is "team_id" = context.tenant(): it asks for no context, or not once a query`],
  },
  {
    clause: "a right that passes row security by",
    props: { grants: { "svc_ncy8 on table public.users": ["SELECT", "TRUNCATE"] } },
    says: [
      'grants["svc_ncy8 on table public.users"] holds TRUNCATE, which row security does not bind. Leave it out',
    ],
  },
]);
