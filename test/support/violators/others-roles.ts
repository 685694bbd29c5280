import * as right from "./right";
import { of, type Violator } from "./types";

const { up, using } = right;
const job = { call: "internal.clean()", runAs: "ncy8_owner", schedule: "0 2 * * *" };
const verified = "(SELECT context.verified('ncy8_member'))";
const two = "function public.f(int), pg_catalog.pg_read_file(text)";
const granted = (key: string, ...privileges: string[]) => ({ grants: { [key]: privileges } });
const subscription = {
  type: "postgresql:index/subscription:Subscription",
  props: { name: "s", conninfo: "host=db.test sslmode=verify-full" },
};

/** Roles that belong to another database, or to nobody that a rule binds. */
export const othersRoles: Violator[] = [
  ...of("row-security-closed", right.rowSecurity, {
    "a right for everybody": granted("public on table public.users", "SELECT"),
    "a right for another service": granted("svc_crm on table public.users", "SELECT"),
    "a right for the backup": granted("estate_backup on table public.users", "DELETE"),
    "two functions at once": granted(`ncy8_member on ${two}`, "EXECUTE"),
    "an identity as the service": {
      service: "ncy8_member",
      identities: { ncy8_member: { members: ["ncy8_member"] } },
      ...using(verified),
    },
    "a login slot as the owner": { owner: "svc_ncy8_a", ...using("true") },
    "another service as the owner": { owner: "svc_crm" },
    "another service": { service: "svc_crm", identities: { ncy8_member: { members: ["svc_crm"] } } },
    "a column that is never null": using(`"id" IS NOT NULL AND ${verified}`),
    "a column of one value": using(`${verified} AND "kind" = 'row'`),
    "a column that is null for all": using(`${verified} AND "team_id" IS NULL`),
    "a column or its lack": using(`${verified} AND "a" IS NULL OR ${verified} AND "a" IS NOT NULL`),
    "nothing to compare": {
      policies: { p: { table: "users", for: "select", to: ["ncy8_member"], using: null } },
    },
  }),
  ...of("access-least-privilege", right.access, {
    "two functions at once": granted(`svc_idp on ${two}`, "EXECUTE"),
  }),
  {
    rule: "row-security-declared",
    is: "rights beside row security",
    members: [
      { ...right.rowSecurity, name: "rows" },
      {
        ...right.access,
        name: "it",
        props: { database: "ncy8", grants: { "svc_ncy8 on table public.users": ["SELECT"] }, owners: [] },
      },
    ],
  },
  ...of("row-security-declared", right.migrations, {
    "a database that is told by its provider": { owner: undefined, ...up("CREATE TABLE a (b int);") },
  }),
  ...of("service-naming", right.postgresDatabase, {
    "another's owner by name": { owner: "ncy8_owner" },
    "another's service in capitals": { owner: "SVC_crm" },
    "a login slot": { owner: "svc_idp_a" },
  }),
  ...of("service-naming", right.access, { "another's owner": { owners: ["svc_idp", "ncy8_owner"] } }),
  ...of("service-naming", right.account, {
    "a database with a name like its own": { grants: [{ database: "crm", privileges: ["SELECT"] }] },
  }),
  ...of("service-naming", right.migrations, {
    "migrations as the admin": { owner: "estate_admin" },
    "migrations as the superuser": { owner: "postgres" },
    "migrations as another's owner": { owner: "mcp_admin_owner" },
  }),
  ...of("job-least-privilege", right.jobs, {
    "as another database's owner": { jobs: { "ncy8/x": { ...job, runAs: "mcp_admin_owner" } } },
    "as an identity": { jobs: { "ncy8/x": { ...job, runAs: "ncy8_admin" } } },
    "in the server's database": { jobs: { "postgres/x": { ...job, runAs: "postgres_owner" } } },
    "in no database": { jobs: { clean: { ...job, runAs: "clean_owner" } } },
  }),
  ...of("official-postgres-narrow", subscription, {
    "TLS that is taken back": { conninfo: "host=db.test sslmode=verify-full sslmode=disable" },
    "TLS in another word": { conninfo: "host=db.test application_name='sslmode=verify-full'" },
    "a URL": { conninfo: "postgresql://db.test/x?sslmode=verify-full" },
    "a file of passwords": { conninfo: "host=db.test sslmode=verify-full passfile=/tmp/x" },
  }),
  ...of(
    "official-postgres-narrow",
    { type: "postgresql:index/server:Server", props: { serverName: "s", fdwName: "postgres_fdw" } },
    {
      "another server without TLS": { options: { host: "evil.test", sslmode: "disable" } },
      "another server, of which nothing is said": { options: { host: "evil.test" } },
    },
  ),
  ...of(
    "official-postgres-narrow",
    { type: "postgresql:index/userMapping:UserMapping", props: { serverName: "s", userName: "analyst" } },
    { "no password asked for": { options: { user: "analyst", password_required: "false" } } },
  ),
  ...of(
    "official-postgres-narrow",
    { type: "pulumi:providers:postgresql", props: {} },
    { "TLS that nobody asks for": { host: "db.test" } },
  ),
];
