import type { Member } from "../policy";
import { sealed, unknown } from "../wire-values";
import * as right from "./right";
import { of, type Violator } from "./types";

const grants = (...privileges: string[]) => ({ grants: [{ database: "mo_crm", privileges }] });
const on = (object: string, ...privileges: string[]) => ({
  grants: { [`svc_idp on ${object}`]: privileges },
});
const job = { call: "internal.clean()", runAs: "ncy8_owner", schedule: "0 2 * * *" };
const commands = (text: string) => ({ commands: text });
const known = right.redisUser.props.commands as string;
const canary = "canary-password-canary-password-1";
const hex = Buffer.from(canary).toString("hex");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const generator = { ...right.password, name: "made", outputs: { result: canary } };
const named = { ...right.postgresDatabase, name: "db" };
const exposed = (is: string, props: Record<string, unknown>): Violator => ({
  rule: "secret-not-exposed",
  is,
  members: [generator, { ...right.command, name: "it", props: { ...right.command.props, ...props } }],
});
const clientKey = "a private key of a client of this stack";
const authorityKey = "a private key of an authority of this stack";
const clientCertificate: Member = {
  type: "estate:tls:ClientCertificate",
  name: "issued",
  props: { service: "svc_crm", logins: ["svc_crm"], generation: 1 },
  outputs: { certificates: { svc_crm: clientKey }, authorityKey },
};
const output = (is: string, outputs: Record<string, unknown>): Violator => ({
  rule: "secret-not-exposed",
  is,
  members: [generator, { ...right.stack, name: "it", outputs }],
});

/** Databases: who may do what, and where secrets go. */
export const rights: Violator[] = [
  ...of("account-host-exact", right.account, {
    "any host": { host: "%" },
    "a name": { host: "web" },
    "a pattern": { host: "10.0.0._" },
    "a netmask": { host: "10.0.0.0/255.255.255.0" },
    "a range": { host: "10.0.0.8/29" },
    "every address": { host: "0.0.0.0" },
    "another host that is any": { otherHosts: ["%"] },
  }),
  ...of("account-tls-required", right.account, {
    "in clear": { require: "NONE" },
    "not said": { require: undefined },
    "a name that anybody may sign": { require: { subject: "/CN=svc_crm" } },
    "an authority that may sign any name": { require: { issuer: "/CN=clients of svc_crm" } },
  }),
  ...of("account-connections-limited", right.account, {
    "too many": { maxUserConnections: 21 },
    "without end": { maxUserConnections: 0 },
  }),
  ...of("account-connections-limited", right.login, { "too many": { connectionLimit: 100 } }),
  ...of("account-least-privilege", right.account, {
    "SUPER behind another": grants("SELECT, SUPER"),
    all: grants("ALL"),
    "passed on": grants("SELECT", "GRANT OPTION"),
    files: grants("FILE"),
    "in lower case": grants("super"),
    "with blanks": grants("SELECT "),
    events: grants("EVENT"),
    "every database": { grants: [{ database: "*", privileges: ["SELECT"] }] },
    "databases by a pattern": { grants: [{ database: "mo\\_%", privileges: ["SELECT"] }] },
    "the server's own": { grants: [{ database: "mysql", privileges: ["SELECT"] }] },
    "a table by a pattern": { grants: [{ database: "mo_crm", table: "*.*", privileges: ["SELECT"] }] },
  }),
  ...of("service-naming", right.account, {
    "another's database": { grants: [{ database: "mo_idp", privileges: ["SELECT"] }] },
    root: { user: "root", grants: [] },
    nobody: { user: "", grants: [] },
  }),
  ...of("service-naming", right.login, {
    admin: { worksAs: "estate_admin" },
    "another's": { probe: "mo_crm" },
  }),
  ...of("service-naming", right.access, {
    "another's service": { grants: { "svc_crm on database": ["CONNECT"] } },
    "the backup with more than a way in": {
      grants: { "estate_backup on database": ["CONNECT", "TEMPORARY"] },
    },
    "the backup on tables": { grants: { "estate_backup on tables in public": ["SELECT"] } },
    "an owner of its own choice": {
      owners: ["svc_idp", "stranger"],
      grants: { "stranger on database": ["CONNECT"] },
    },
    "the admin as an owner": { owners: ["estate_admin"] },
    "a login in the server's own database": {
      database: "template1",
      grants: { "svc_template1 on database": ["CONNECT"] },
    },
  }),
  ...of("service-naming", right.postgresDatabase, {
    "the server's own database": { name: "postgres" },
    "a name in quotes": { name: 'x"y' },
    "another's owner": { owner: "svc_crm" },
  }),
  ...of(
    "service-naming",
    { type: "estate:mariadb:Database", props: {}, protect: true },
    { "the server's own database": { name: "mysql" } },
  ),
  ...of("access-no-public", right.access, {
    everybody: { grants: { "public on database": ["CONNECT"] } },
    "everybody in quotes": { defaultGrants: { '"public" on tables by svc_idp': ["SELECT"] } },
    "everybody in capitals": { grants: { "PUBLIC on database": ["CONNECT"] } },
  }),
  ...of("access-least-privilege", right.access, {
    all: on("schema public", "ALL"),
    "empties a table": on("table public.users", "SELECT", "TRUNCATE"),
    "watches a table": on("table public.users", "TRIGGER"),
    "refers to a table": on("table public.users", "REFERENCES"),
    "maintains a table": on("table public.users", "MAINTAIN"),
    "two in one": on("table public.users", "SELECT, TRUNCATE"),
    "passed on": on("table public.users", "SELECT WITH GRANT OPTION"),
    "makes schemas": on("database", "CONNECT", "CREATE"),
    "makes tables": on("schema public", "CREATE"),
    "about something else": on("parameter log_statement", "SET"),
    "another schema": { schemas: ["pg_catalog"] },
    "a file of the server": on("function pg_catalog.pg_read_file(text)", "EXECUTE"),
    "hashes of passwords": on("table pg_catalog.pg_authid", "SELECT"),
    "every table of the server": on("tables in pg_catalog", "SELECT"),
    "the history of migrations": on("schema estate", "USAGE"),
    "jobs of the server": on("function cron.schedule(text,text,text)", "EXECUTE"),
    "keys of the context": on("table context.keys", "SELECT"),
    "what the admin makes": {
      defaultGrants: { "svc_idp on functions by estate_admin": ["EXECUTE"] },
    },
    "by default": { defaultGrants: { "svc_idp on tables by svc_idp in public": ["TRUNCATE"] } },
  }),
  ...of("role-least-privilege", right.role, {
    "makes roles": { attributes: ["CREATEROLE"] },
    "logs in": { attributes: ["LOGIN"] },
    "the admin's power": { takes: ["estate_admin"] },
    "an owner's power": { takes: ["ncy8_owner"] },
    "reads everything": { memberships: ["pg_read_all_data"] },
    "the superuser": { takes: ["postgres"] },
    "the admin itself": { name: "estate_admin" },
    "a role of the server": { name: "pg_monitor" },
    "a role of the server in capitals": { name: "PG_monitor" },
    "the backup itself": { name: "estate_backup" },
    "the backup's power": { takes: ["estate_backup"] },
    "a restore's": { takes: ["estate_restore_0a"] },
    "a name in quotes": { name: 'x"; ALTER ROLE' },
  }),
  ...of("role-least-privilege", right.postgresDatabase, { "owned by the superuser": { owner: "postgres" } }),
  ...[
    { is: "a role nobody declares", takes: ["ncy8_admin"] },
    { is: "an owner by another name", takes: ["mcp_admin"] },
    { is: "another service's role", name: "svc_crm", takes: ["ncy8_member"] },
  ].map(({ is, ...props }) => ({
    rule: "role-membership-declared",
    is,
    members: [
      { ...right.rowSecurity, name: "rows" },
      { ...right.role, name: "it", props: { ...right.role.props, ...props } },
    ],
  })),
  {
    rule: "role-membership-declared",
    is: "an identity for who reports",
    members: [
      { ...right.rowSecurity, name: "rows" },
      { ...right.analyst, name: "it", props: { ...right.analyst.props, roles: ["ncy8_member"] } },
    ],
  },
  ...of("role-membership-declared", right.rowSecurity, {
    "a role for a stranger": { identities: { ncy8_member: { members: ["svc_ncy8", "svc_crm"] } } },
  }),
  ...of("job-least-privilege", right.jobs, {
    "as the admin": { jobs: { "ncy8/a": { call: "internal.clean()", runAs: "estate_admin" } } },
    "as a service": { jobs: { "ncy8/a": { ...job, runAs: "svc_ncy8" } } },
    "as the backup": { jobs: { "ncy8/a": { ...job, runAs: "estate_backup" } } },
    "a function of the server": { jobs: { "ncy8/a": { ...job, call: "pg_catalog.pg_reload_conf()" } } },
    "other jobs": { jobs: { "ncy8/a": { ...job, call: "cron.unschedule()" } } },
    "each second": { jobs: { "ncy8/a": { ...job, schedule: "1 second" } } },
    "SQL in the schedule": { jobs: { "ncy8/a": { ...job, schedule: "0 2 * * *', 'DROP" } } },
    "as the superuser": { jobs: { "ncy8/a": { call: "internal.clean()", runAs: "postgres" } } },
    "more than a call": {
      jobs: { "ncy8/a": { call: "internal.clean(); DROP TABLE x", runAs: "ncy8_owner" } },
    },
    "with an argument": { jobs: { "ncy8/a": { call: "internal.run('DROP TABLE x')", runAs: "ncy8_owner" } } },
  }),
  ...of("extension-allowlisted", right.postgresDatabase, {
    "code of any kind": { extensions: ["plpython3u"] },
  }),
  ...of("redis-user-least-privilege", right.redisUser, {
    "one by one": commands("-@all +config +eval +module +acl"),
    everything: commands("+@all"),
    "everything by another word": commands("allcommands"),
    administration: commands("-@all +@admin"),
    "dangerous again": commands(`${known} +@dangerous`),
    "a category behind what was taken": commands(`${known} +@read`),
    "nothing taken away": commands("-@all +@read"),
    "the debugger of scripts": commands(known.replace(" -script|debug", "")),
    "a subcommand": commands("-@all +config|set"),
    "another selector": commands(`${known} (~* +get)`),
    "keys within": commands(`${known} ~*`),
    "no password": commands(`${known} nopass`),
    "every key": { keys: ["*"] },
    "another's keys": { keys: ["n8n:*"] },
    "any prefix": { keys: ["?rm:*"] },
    "every channel": { channels: ["*"] },
    "the admin": { user: "estate_admin" },
    "the default user": { user: "default" },
  }),
  exposed("a password in a command line", { create: `mysql -p${canary}` }),
  exposed("in a trigger", { triggers: [canary] }),
  exposed("in base64", { create: `echo ${Buffer.from(canary).toString("base64")}` }),
  exposed("in base64 with a name before it", {
    create: `echo ${Buffer.from(`u:${canary}`).toString("base64")}`,
  }),
  ...Object.entries({
    "in hex in capitals": hex.toUpperCase(),
    "in hex with colons": hex.replace(/../g, "$&:"),
    "in hex as a shell writes it": hex.replace(/../g, "\\x$&"),
    "in base64 twice": base64(base64(canary)),
    "in base64 of hex": base64(hex),
    "in base64 of two bytes each": Buffer.from(canary, "utf16le").toString("base64"),
    "in base64 over lines": base64(canary.repeat(3)).replace(/.{20}/g, "$&\n"),
    "in capitals": canary.toUpperCase(),
    "backwards in base64": base64([...canary].reverse().join("")),
    "over two lines": `${canary.slice(0, 17)}\n${canary.slice(17)}`,
    "as HTML writes it": canary.replaceAll("-", "&#45;"),
    "as HTML writes it in hex": canary.replaceAll("-", "&#x2d;"),
    "as JavaScript writes it": canary.replaceAll("c", "\\u0063"),
    "as a URL may write it": [...canary].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(""),
    "as a shell may write it": canary.replaceAll("-", "\\-"),
  }).map(([is, text]) => exposed(is, { create: `echo ${text}` })),
  exposed("a credential of another service", { create: `echo AKIA${"A".repeat(16)}` }),
  ...Object.entries({
    "a key of AWS": `AKIA${"A".repeat(16)}`,
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "a token of GitHub": `ghp_${"a".repeat(36)}`,
    "a URL with a password": "postgres://user:hunter2@db.test/x",
  }).map(([is, owner]) => ({
    rule: "secret-not-exposed",
    is,
    members: [
      { ...right.user, name: "it", props: { name: "w", tags: { owner, "data-protection-contact": "d" } } },
    ],
  })),
  {
    rule: "secret-not-exposed",
    is: "in the name of a tag",
    members: [
      generator,
      {
        ...right.user,
        name: "it",
        props: { name: "w", tags: { owner: "o", "data-protection-contact": "d", [canary]: "x" } },
      },
    ],
  },
  { rule: "secret-not-exposed", is: "in a name", members: [generator, { ...right.user, name: canary }] },
  exposed("in hex", { create: Buffer.from(canary).toString("hex") }),
  {
    rule: "secret-not-exposed",
    is: "made into a command line that is not known yet",
    members: [
      generator,
      { ...right.command, name: "it", props: { create: unknown }, madeFrom: { create: ["made"] } },
    ],
  },
  output("a password in an output", { debug: { dsn: `mysql://u:${canary}@h` } }),
  output("an output nobody knows", { debug: "something" }),
  output("in a URL", { debug: encodeURIComponent(`x ${canary}`) }),
  output("an output of secrets that is not sealed", { connections: { a: "b" } }),
  {
    rule: "secret-not-exposed",
    is: "in a value that is not sealed",
    members: [
      generator,
      {
        ...right.user,
        name: "it",
        props: { name: "w", tags: { owner: canary, "data-protection-contact": "d" } },
      },
    ],
  },
  {
    rule: "secret-not-exposed",
    is: "a client's key in an output",
    members: [clientCertificate, { ...right.stack, name: "it", outputs: { rotations: { x: clientKey } } }],
  },
  {
    rule: "secret-not-exposed",
    is: "the key of a client's authority in an output",
    members: [clientCertificate, { ...right.stack, name: "it", outputs: { rotations: { x: authorityKey } } }],
  },
  {
    rule: "client-authority-own",
    is: "an authority that was written down",
    members: [
      { ...right.certificate, name: "it", props: { ...right.certificate.props, clientAuthorities: "PEM" } },
    ],
  },
  {
    rule: "client-authority-own",
    is: "an authority of an instance of Redis that was written down",
    members: [
      {
        ...right.settings.asking,
        name: "it",
        props: { ...right.settings.asking.props, clientAuthorities: "PEM" },
      },
    ],
  },
  {
    rule: "client-authority-own",
    is: "an authority from elsewhere beside one of ours",
    members: [
      clientCertificate,
      generator,
      {
        ...right.certificate,
        name: "it",
        props: { ...right.certificate.props, clientAuthorities: "PEM" },
        madeFrom: { clientAuthorities: ["issued", "made"] },
      },
    ],
  },
  {
    rule: "published-secret-generated",
    is: "a secret that was written down",
    members: [
      {
        ...right.secret,
        name: "it",
        props: { repository: "r", secretName: "API_KEY", value: sealed("never-write-a-secret") },
      },
    ],
  },
  {
    rule: "published-secret-generated",
    is: "a secret in clear",
    members: [
      {
        ...right.secret,
        name: "it",
        props: { repository: "r", secretName: "PG_HOST", plaintextValue: "db.test" },
      },
    ],
  },
  ...of("password-strong", right.password, {
    short: { length: 16 },
    "no digits": { numeric: false },
    "no digits by an old name": { number: false },
    "few letters": { lower: false },
  }),
  {
    rule: "password-generated",
    is: "a password that was written down",
    members: [
      {
        ...right.account,
        name: "it",
        props: { ...right.account.props, passwords: sealed(["never-write-a-password-down"]) },
      },
    ],
  },
  ...of("password-generated", right.account, { "no password": { passwords: sealed([]) } }),
  {
    rule: "password-unique",
    is: "one password for two",
    members: ["one", "two"].map((name) => ({
      ...right.account,
      name,
      props: { ...right.account.props, passwords: sealed([canary]) },
    })),
  },
  {
    rule: "password-published",
    is: "a password that nobody gets",
    members: [
      { ...right.account, name: "it", props: { ...right.account.props, passwords: sealed([canary]) } },
    ],
  },
  ...of("password-rotated", right.schedule, {
    "former passwords for years": {
      services: { mo_crm: { days: 90, graceDays: 1000, anchor: "2026-01-01" } },
    },
    "no days that can be read": {
      services: { mo_crm: { days: "3650", graceDays: 7, anchor: "2026-01-01", forced: [] } },
    },
    "each zero days": { services: { mo_crm: { days: 0, graceDays: 7, anchor: "2026-01-01", forced: [] } } },
    "less than no grace": {
      services: { mo_crm: { days: 90, graceDays: -7, anchor: "2026-01-01", forced: [] } },
    },
    "a day that is yet to come": {
      services: { mo_crm: { days: 90, graceDays: 7, anchor: "2020-01-01", forced: [] } },
      rotated: { mo_crm: { since: "2199-01-01" } },
    },
    "long overdue": {
      services: { mo_crm: { days: 90, graceDays: 7, anchor: "2020-01-01", forced: [] } },
      rotated: { mo_crm: { since: "2020-01-01" } },
    },
  }),
  ...of("password-rotated", right.schedule, { "another anchor": {} }).map((one) => ({
    ...one,
    config: { "password-rotated": { anchor: "2026-02-02" } },
  })),
  {
    rule: "password-rotated",
    is: "a password that stays for ever",
    members: [
      { ...right.password, name: "made", outputs: { result: unknown } },
      {
        ...right.account,
        name: "it",
        props: { ...right.account.props, passwords: unknown },
        madeFrom: { passwords: ["made"] },
      },
    ],
  },
  ...of("password-rotated", right.schedule, {
    "once a year": { services: { mo_crm: { days: 365, graceDays: 7, anchor: "2026-01-01" } } },
  }),
  {
    rule: "database-protected",
    is: "a database that a run may delete",
    members: [{ ...named, protect: false }],
  },
  { rule: "database-backed-up", is: "a database in no backup", members: [named] },
  ...of("official-postgres-narrow", right.analyst, {
    "a clear password": { password: "never-write-a-password" },
    "a member of a service": { roles: ["svc_crm"] },
    "a member of an owner": { roles: ["ncy8_owner"] },
    "the admin in capitals": { roles: ["Estate_Admin"] },
    "a service": { name: "svc_crm" },
    "an owner": { name: "ncy8_owner" },
    "the admin": { name: "estate_admin" },
    "a path of its own": { searchPaths: ["$user"] },
  }),
  ...of("resource-known", right.analyst, {
    superuser: { superuser: true },
    "passes row security": { bypassRowLevelSecurity: true },
    "logs in": { login: true },
  }),
  ...of(
    "official-postgres-narrow",
    { type: "pulumi:providers:postgresql", props: {} },
    {
      "any server": { host: "db.test", sslmode: "require" },
      "a password in the program": { host: "db.test", sslmode: "verify-full", password: "never-write-a" },
      superuser: { host: "db.test", superuser: "true" },
    },
  ),
  ...of(
    "official-postgres-narrow",
    { type: "postgresql:index/server:Server", props: {} },
    {
      "files of the server": { serverName: "s", fdwName: "file_fdw" },
    },
  ),
  ...of(
    "official-postgres-narrow",
    { type: "postgresql:index/userMapping:UserMapping", props: {} },
    {
      "a password in the catalogue": { serverName: "s", userName: "analyst", options: { password: "x" } },
      "for the admin": { serverName: "s", userName: "estate_admin" },
    },
  ),
  ...of(
    "official-postgres-narrow",
    { type: "postgresql:index/subscription:Subscription", props: {} },
    {
      "any server": { name: "s", conninfo: "host=evil.test" },
      "a password": { name: "s", conninfo: "host=db sslmode=verify-full password=x" },
    },
  ),
];
