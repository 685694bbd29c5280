import { mariadbGuarded, postgresGuarded, redisGuarded } from "../../../components/plans/guarded";
import { hostCommand } from "../../../components/plans/host-script";
import { mariadbConfig } from "../../../components/plans/mariadb-config";
import { PG_IDENT } from "../../../components/plans/pg-hba";
import { postgresConfig } from "../../../components/plans/postgres-config";
import { REDIS_LIMITS, redisConfig } from "../../../components/plans/redis-config";
import { redisSizing } from "../../../components/plans/sizing";
import { SSHD_SETTINGS } from "../../../components/plans/sshd-settings";
import { TLS } from "../../../components/plans/tls";
import { MARIADB_BACKUP_LOGINS, POSTGRES_BACKUP_LOGINS } from "../../../estate/backup-logins";
import type { Member } from "../policy";
import { sealed } from "../wire-values";

type Right = Omit<Member, "name">;

const tags = { owner: "platform", "data-protection-contact": "dpo@estate.test" };
export const here = { address: "10.0.0.5", port: 3306 };
const sizes = { listen: here.address, memoryMiB: 1024, serviceLimits: [20] };
const redisPlan = {
  ...TLS.redis,
  ...{
    user: "svc_crm",
    use: "cache" as const,
    listen: here.address,
    port: 6380,
    sizing: redisSizing(1024, 20),
  },
};
const askingPlan = { ...redisPlan, clientCertificate: "required" as const };
export const files = {
  mariadb: mariadbConfig({ ...sizes, ...TLS.mariadb, port: 3306 }),
  postgres: postgresConfig({ ...sizes, ...TLS.postgres, port: 5432 }),
  redis: redisConfig(redisPlan),
  queue: redisConfig({ ...redisPlan, use: "queue" }),
  asking: redisConfig(askingPlan),
};
export const hba = [
  "local   all postgres           peer",
  "hostssl mo_idp svc_idp_a,svc_idp_b 10.0.0.11/32 scram-sha-256",
  "hostssl all estate_admin 10.0.0.11/32 scram-sha-256",
  "local   all all                reject",
  "host    all all all            reject",
].join("\n");
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMch7BzWgv3TESySI70vRCFUAoQxZswwFQuBFm";
export const connection = { host: "db.test", port: 22, user: "root", hostKey, privateKey: sealed("a key") };

export const account: Right = {
  type: "estate:mariadb:Account",
  props: {
    user: "svc_crm",
    host: "10.0.0.11",
    require: "SSL",
    maxUserConnections: 20,
    grants: [{ database: "mo_crm", privileges: ["SELECT", "INSERT"] }],
  },
};
export const role: Right = { type: "estate:postgres:Role", props: { name: "svc_ncy8", takes: [] } };
export const login: Right = {
  type: "estate:postgres:Login",
  props: { worksAs: "svc_idp", probe: "mo_idp", connectionLimit: 20, settings: { statement_timeout: "60s" } },
};
export const access: Right = {
  type: "estate:postgres:Access",
  props: { database: "mo_idp", grants: { "svc_idp on table public.users": ["SELECT"] }, owners: ["svc_idp"] },
};
export const jobs: Right = {
  type: "estate:postgres:Jobs",
  props: { jobs: { "ncy8/clean": { call: "internal.clean()", runAs: "ncy8_owner", schedule: "0 2 * * *" } } },
};
export const redisUser: Right = {
  type: "estate:redis:User",
  props: {
    user: "svc_crm",
    keys: ["crm:*"],
    channels: ["crm:*"],
    commands: "-@all +@read +@write -@dangerous -@admin -function -script|debug",
  },
};
export const postgresDatabase: Right = {
  type: "estate:postgres:Database",
  props: { name: "mo_idp", owner: "svc_idp", extensions: [] },
  protect: true,
};
const tenant = `"team_id" = (SELECT context.tenant('ncy8_member'))`;
export const rowSecurity: Right = {
  type: "estate:postgres:RowSecurity",
  props: {
    database: "ncy8",
    owner: "ncy8_owner",
    service: "svc_ncy8",
    schema: "public",
    identities: { ncy8_member: { members: ["svc_ncy8"] } },
    tables: { users: "forced", languages: "off" },
    exceptions: { languages: "one list of languages is the same for everybody" },
    views: { board: "security_invoker" },
    policies: {
      "users.member.select": { table: "users", for: "select", to: ["ncy8_member"], using: tenant },
    },
    grants: { "ncy8_member on table public.users": ["SELECT"] },
  },
};
/** One rule of row security with another expression. */
export const using = (text: string) => ({
  policies: { "users.member.select": { table: "users", for: "select", to: ["ncy8_member"], using: text } },
});
export const migrations: Right = {
  type: "estate:sql:Migrations",
  provider: { postgres: "{}" },
  props: {
    database: "ncy8",
    owner: "ncy8_owner",
    migrations: { "0001_a": { up: "SELECT 1;", down: "SELECT 1;" } },
  },
};
/** One migration with this text. */
export const up = (text: string) => ({ migrations: { "0001_a": { up: text, down: "SELECT 1;" } } });
/** The same on MariaDB. */
export const upMariadb = (text: string): Partial<Member> => ({
  props: { owner: undefined, ...up(text) },
  provider: { mariadb: "{}" },
});
export const firewall: Right = {
  type: "estate:host:Firewall",
  props: {
    label: "db",
    rules: {
      a: { port: 22, protocol: "tcp", from: "10.0.0.1", comment: "ssh" },
      b: { port: 5000, protocol: "tcp", to: "10.0.0.15", comment: "backup bucket" },
    },
    needs: [{ host: "10.0.0.15", port: 5000 }],
  },
};
export const certificate: Right = {
  type: "estate:host:Certificate",
  props: {
    ...{ engine: "mariadb", ...here, name: "db.test", directory: "/etc/mysql/tls", owner: "mysql" },
    renewBefore: 60,
  },
};
export const sshd: Right = {
  type: "estate:host:Sshd",
  props: { label: "db", settings: { ...SSHD_SETTINGS }, exceptions: [] },
};
export const doors = (...rules: [port: unknown, from: unknown][]) => ({
  rules: Object.fromEntries(
    rules.map(([port, from], index) => [`r${index}`, { port, protocol: "tcp", from, comment: "a door" }]),
  ),
});
export const ways = (...rules: [protocol: unknown, port: unknown, to: unknown][]) => ({
  rules: Object.fromEntries(
    rules.map(([protocol, port, to], index) => [`r${index}`, { protocol, port, to, comment: "a way out" }]),
  ),
});
export const settings = {
  mariadb: {
    type: "estate:host:ServerSettings",
    props: {
      ...{ engine: "mariadb", ...here, configuration: files.mariadb, logins: { ...MARIADB_BACKUP_LOGINS } },
      effective: mariadbGuarded({ listen: here.address, port: 3306, ...TLS.mariadb }),
    },
  },
  postgres: {
    type: "estate:host:ServerSettings",
    props: {
      ...{ engine: "postgres", ...here, port: 5432, configuration: files.postgres, hba },
      ...{ ident: PG_IDENT, logins: { ...POSTGRES_BACKUP_LOGINS } },
      effective: postgresGuarded({ listen: here.address, port: 5432, ...TLS.postgres }),
    },
  },
  redis: {
    type: "estate:host:RedisInstance",
    props: {
      ...{ name: "crm", ...here, port: 6380, configuration: files.redis },
      limits: { process: 204, ...REDIS_LIMITS },
      effective: redisGuarded(redisPlan),
    },
  },
  asking: {
    type: "estate:host:RedisInstance",
    props: {
      ...{ name: "crm", ...here, port: 6380, configuration: files.asking },
      limits: { process: 204, ...REDIS_LIMITS },
      effective: redisGuarded(askingPlan),
    },
  },
} satisfies Record<string, Right>;
export const command: Right = {
  type: "command:remote:Command",
  additionalSecretOutputs: ["stdout", "stderr"],
  props: {
    connection,
    create: "systemctl start --no-block estate-backup-base.service",
    logging: "none",
  },
};
export const script = (
  scripts: Parameters<typeof hostCommand>[0]["scripts"],
  variables: Record<string, string>,
) => ({ create: hostCommand({ scripts, variables, user: "root" }) });
export const agent: Right = {
  type: "estate:host:BackupAgent",
  props: {
    label: "db",
    databases: [],
    packages: ["age"],
    timers: ["estate-backup.timer"],
    files: {
      "/etc/estate-backup/agent.conf": {
        mode: "0644",
        content: "ENGINE=mariadb\nDATABASES='mo_crm:daily'\n",
      },
    },
    secretFiles: sealed({
      "/etc/estate-backup/bucket.conf": { owner: "root", content: 'user = "AKIA:x"\n' },
    }),
  },
};

export const bucket: Right = {
  type: "aws:s3/bucket:Bucket",
  protect: true,
  props: { bucket: "shelf", objectLockEnabled: true, tags },
};
const guard = (kind: string, props: Record<string, unknown>): Right => ({
  type: `aws:s3/bucket${kind}:Bucket${kind}`,
  props: { bucket: "shelf", ...props },
});
export const denyPlain = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: ["arn:aws:s3:::shelf", "arn:aws:s3:::shelf/*"],
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
export const document = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
export const bucketPolicy = guard("Policy", { policy: document(denyPlain) });
export const publicAccess = guard("PublicAccessBlock", {
  ...{ blockPublicAcls: true, blockPublicPolicy: true },
  ...{ ignorePublicAcls: true, restrictPublicBuckets: true },
});
export const ownership = guard("OwnershipControls", { rule: { objectOwnership: "BucketOwnerEnforced" } });
export const encryption = guard("ServerSideEncryptionConfiguration", {
  rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: "key" } }],
});
export const versioning = guard("Versioning", { versioningConfiguration: { status: "Enabled" } });
export const lock = guard("ObjectLockConfiguration", {
  rule: { defaultRetention: { mode: "COMPLIANCE", days: 30 } },
});
export const lifecycleRule = (prefix: string, days?: number, more: object = {}) => ({
  id: prefix || "rest",
  status: "Enabled",
  filter: { prefix },
  ...(days !== undefined && { expiration: { days } }),
  noncurrentVersionExpiration: { noncurrentDays: 14 },
  ...more,
});
export const lifecycleRules = [
  lifecycleRule("daily/", 90),
  lifecycleRule("queue/", 30),
  lifecycleRule("status/", 90),
  lifecycleRule("archive/", 2557),
  lifecycleRule("archive-index/", 2557),
  lifecycleRule("recovery/", 30),
  lifecycleRule("", undefined, { abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } }),
];
export const lifecycle = guard("LifecycleConfiguration", { rules: lifecycleRules });
export const replication: Right = {
  type: "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
  props: { bucket: "shelf", rules: [{ status: "Enabled", destination: { bucket: "arn:aws:s3:::shelf" } }] },
};
export const key: Right = {
  type: "aws:kms/key:Key",
  protect: true,
  props: { enableKeyRotation: true, deletionWindowInDays: 30, tags },
};
const put = {
  Effect: "Allow",
  Action: ["s3:PutObject"],
  Resource: "arn:aws:s3:::shelf/daily/mariadb/*",
  Condition: { Null: { "s3:if-none-match": "false" } },
};
export const userPolicy: Right = { type: "aws:iam/userPolicy:UserPolicy", props: { policy: document(put) } };
export const may = (change: object) => ({ policy: document({ ...put, ...change }) });
export const role53: Right = {
  type: "aws:iam/role:Role",
  props: {
    name: "copier",
    tags,
    assumeRolePolicy: document({
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "sts:AssumeRole",
    }),
  },
};
export const user: Right = { type: "aws:iam/user:User", props: { name: "writer", tags } };
export const group: Right = {
  type: "aws:ec2/securityGroup:SecurityGroup",
  props: {
    name: "db",
    tags,
    ingress: [{ cidrBlocks: ["10.0.0.11/32"], fromPort: 22, toPort: 22, protocol: "tcp" }],
  },
};
export const awsProvider: Right = { type: "pulumi:providers:aws", props: { region: "eu-central-1" } };
export const estateProvider: Right = {
  type: "pulumi:providers:estate",
  props: {
    postgres: sealed(
      JSON.stringify({
        host: "db.test",
        caCertificate: "-----BEGIN CERTIFICATE-----\nbGFi\n-----END CERTIFICATE-----\n",
      }),
    ),
  },
};
export const githubProvider: Right = { type: "pulumi:providers:github", props: { owner: "o" } };
export const password: Right = { type: "random:index/randomPassword:RandomPassword", props: { length: 40 } };
export const secret: Right = {
  type: "estate:github:EnvironmentSecret",
  props: { repository: "o/r", environment: "e", secretName: "PG_HOST", value: sealed("db.test") },
};
export const officialSecret: Right = {
  type: "github:index/actionsSecret:ActionsSecret",
  props: { repository: "r", secretName: "PG_HOST", value: sealed("db.test") },
};
export const stack: Right = { type: "pulumi:pulumi:Stack", props: {} };
export const analyst: Right = {
  type: "postgresql:index/role:Role",
  props: { name: "analyst", login: false },
};
export const schedule: Right = {
  type: "estate:rotation:Schedule",
  props: { services: { mo_crm: { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] } } },
};
