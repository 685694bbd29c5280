import type * as pulumi from "@pulumi/pulumi";

export type Declare = (
  type: string,
  name: string,
  props: Record<string, unknown>,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.Resource;

/** What the engine should say of a rule: about which resource, and what. */
export interface Expected {
  resource: string;
  says: string;
}

const tags = { owner: "platform", "data-protection-contact": "dpo@estate.test" };
/** A program in which each rule of the pack is broken exactly once, but those of bucket-violations.ts. */
export function declare(create: Declare): void {
  const frankfurt = create("pulumi:providers:aws", "frankfurt", {
    region: "eu-central-1",
  }) as pulumi.ProviderResource;
  const rotation = create("estate:rotation:Schedule", "rotation", {
    services: { mo_crm: { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] } },
  }) as pulumi.CustomResource;
  const generator = (name: string, props: object) =>
    create("random:index/randomPassword:RandomPassword", name, {
      length: 40,
      ...props,
    }) as pulumi.CustomResource & {
      result: pulumi.Output<string>;
    };
  const password = (name: string, length = 40) =>
    generator(name, { length, keepers: { generation: rotation.id } });
  let accounts = 0;
  const account = (name: string, props: object) => {
    accounts += 1;
    return create("estate:mariadb:Account", name, {
      user: "svc_crm",
      host: "10.0.0.5",
      require: "SSL",
      maxUserConnections: 20,
      grants: [{ database: "mo_crm", privileges: ["SELECT"] }],
      passwords: [password(`generator-${accounts}`).result],
      ...props,
    });
  };
  account("any-host", { host: "%" });
  account("without-tls", { require: "NONE" });
  account("superuser", { grants: [{ database: "mo_crm", privileges: ["SUPER"] }] });
  account("greedy", { maxUserConnections: 21 });
  account("stranger", { grants: [{ database: "mo_idp", privileges: ["SELECT"] }] });
  account("literal", { passwords: ["never-write-a-password-into-a-program"] });
  const shared = password("shared");
  account("one", { passwords: [shared.result] });
  create("estate:redis:User", "twin", {
    user: "svc_crm",
    passwords: [shared.result],
    keys: ["crm:*"],
    channels: [],
    commands: "-@all +@read",
  });
  create("estate:redis:User", "redis-admin", {
    user: "svc_n8n",
    passwords: [password("generator-redis").result],
    keys: ["n8n:*"],
    channels: [],
    commands: "-@all +@admin",
  });
  password("short", 16);
  account("stale", { passwords: [generator("never-rotated", {}).result] });
  create("command:local:Command", "on-the-command-line", { create: password("exposed").result });

  create("estate:postgres:Access", "for-everybody", {
    database: "mo_idp",
    grants: { "public on database": ["CONNECT"] },
  });
  create("estate:postgres:Access", "everything", {
    database: "mo_idp",
    grants: { "svc_idp on schema public": ["ALL"] },
  });
  create("estate:postgres:Role", "creator", {
    name: "svc_idp",
    attributes: ["CREATEROLE"],
    memberships: [],
  });
  create("estate:postgres:Database", "unprotected", { name: "mo_idp", extensions: ["plpython3u"] });
  create("estate:postgres:RowSecurity", "half-open", { database: "mo_idp", tables: { users: "off" } });
  create("estate:sql:Migrations", "making", {
    database: "mo_idp",
    migrations: { "0001_accounts": { up: "CREATE TABLE accounts (id int);" } },
  });
  create("estate:sql:Migrations", "borrowed-path", {
    database: "mo_crm",
    migrations: { "0001_f": { up: "CREATE FUNCTION f() RETURNS int SECURITY DEFINER RETURN 1;" } },
  });
  create("estate:sql:Migrations", "seeing-all", {
    database: "mo_crm",
    migrations: {
      "0001_v": { up: "CREATE VIEW v AS SELECT 1; CREATE FUNCTION g() RETURNS int LEAKPROOF RETURN 1;" },
    },
  });
  create("pulumi:providers:estate", "unverified", { postgres: '{ "caCertificate": "any" }' });
  create("estate:component:PostgresServer", "old", { server: { minimumVersion: "12" } });

  const rule = (port: number, from: string) => ({
    rules: { one: { port, protocol: "tcp", from, comment: "" } },
  });
  create("estate:host:Firewall", "world", { label: "a", incoming: "deny", ...rule(22, "0.0.0.0/0") });
  create("estate:host:Firewall", "database-port", {
    label: "b",
    incoming: "deny",
    ...rule(3306, "10.0.0.8/29"),
  });
  create("estate:host:Firewall", "way-out", {
    label: "c",
    incoming: "deny",
    rules: {
      world: { port: 22, protocol: "tcp", to: "any", comment: "" },
      https: { port: 443, protocol: "tcp", to: "any", comment: "bucket" },
    },
  });

  create(
    "aws:ec2/securityGroup:SecurityGroup",
    "open-group",
    { tags, ingress: [{ cidrBlocks: ["0.0.0.0/0"] }] },
    { provider: frankfurt },
  );
}

const stack = "violations-test";

/** By rule. */
export const expected: Record<string, Expected> = {
  "access-least-privilege": { resource: "everything", says: 'holds "ALL"' },
  "access-no-public": { resource: "for-everybody", says: "grants to PUBLIC" },
  "account-connections-limited": { resource: "greedy", says: "maxUserConnections is 21" },
  "account-host-exact": { resource: "any-host", says: 'host is "%"' },
  "account-least-privilege": { resource: "superuser", says: '"SUPER" on "mo_crm" is not on the list' },
  "account-tls-required": { resource: "without-tls", says: 'require is "NONE"' },
  "bucket-acl-private": { resource: "acl-counts", says: 'objectOwnership is "ObjectWriter"' },
  "bucket-encrypted": { resource: "weak", says: 'sseAlgorithm is "AES256"' },
  "bucket-first-write-wins": { resource: "replacing", says: "allows s3:PutObject without the condition" },
  "bucket-guarded": {
    resource: "bare",
    says: "has no BucketPublicAccessBlock, BucketServerSideEncryptionConfiguration",
  },
  "bucket-object-locked": { resource: "shelf", says: "objectLockEnabled is not set" },
  "bucket-policy-closed": { resource: "public-policy", says: 'allows to Principal "*"' },
  "bucket-public-access-blocked": { resource: "1 resource", says: "" },
  "bucket-retention-kept": { resource: "short-lived", says: "no enabled rule ends archive/" },
  "bucket-tls-only": { resource: "plain-policy", says: "aws:SecureTransport" },
  "bucket-versioned": { resource: "forgetful", says: 'status is "Suspended"' },
  "connection-tls-verified": { resource: "unverified", says: "postgres.caCertificate holds no certificate" },
  "database-backed-up": { resource: stack, says: "in no backup: mo_idp" },
  "database-protected": { resource: "unprotected", says: "mo_idp is not protected" },
  "extension-allowlisted": { resource: "unprotected", says: '"plpython3u" is not on the list' },
  "firewall-database-ports-closed": { resource: "database-port", says: "port 3306 opens to 10.0.0.8/29" },
  "firewall-outgoing-anywhere": { resource: "way-out", says: "tcp 443 is open to every address (bucket)" },
  "firewall-outgoing-narrow": { resource: "way-out", says: "tcp 22: goes to any address" },
  "firewall-source-narrow": { resource: "world", says: "source 0.0.0.0/0 is wider than /29" },
  "function-not-leakproof": { resource: "seeing-all", says: "g is LEAKPROOF" },
  "key-rotated": { resource: "stale-key", says: "enableKeyRotation is not set" },
  "password-generated": { resource: "literal", says: "no RandomPassword of this stack made" },
  "password-published": { resource: stack, says: "no GitHub secret is made from the password of" },
  "password-rotated": { resource: "never-rotated", says: "keepers hold no generation" },
  "password-strong": { resource: "short", says: "length is 16" },
  "password-unique": { resource: "twin", says: "has the same password as one" },
  "redis-user-least-privilege": { resource: "redis-admin", says: "+@admin" },
  "region-european": { resource: "virginia", says: 'region is "us-east-1"' },
  "role-least-privilege": { resource: "creator", says: "CREATEROLE" },
  "row-security-closed": { resource: "half-open", says: "tables.users is off without a reason" },
  "row-security-declared": { resource: "half-open", says: "tables says nothing of public.accounts" },
  "secret-not-exposed": { resource: "on-the-command-line", says: "create holds a password" },
  "security-definer-pinned": { resource: "borrowed-path", says: "without SET search_path" },
  "security-group-source-narrow": { resource: "open-group", says: "source 0.0.0.0/0 is wider than /29" },
  "server-version-supported": { resource: "old", says: 'minimumVersion is "12"' },
  "service-naming": { resource: "stranger", says: 'has a grant on "mo_idp"' },
  "tags-complete": { resource: "untagged", says: 'tags hold no "owner"' },
  "view-invoker-rights": { resource: "seeing-all", says: "view public.v shows what its owner sees" },
};
