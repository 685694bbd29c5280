import { sealed } from "../wire-values";
import * as right from "./right";
import { of, type Violator } from "./types";

const { document, denyPlain, lifecycleRule, lifecycleRules } = right;
const canary = "canary-password-canary-password-1";
const made = { ...right.password, name: "made", outputs: { result: canary } };
const admin = { ...right.password, name: "admin", outputs: { result: `admin-${canary}` } };
const loggedIn = { ...right.estateProvider, name: "provider", madeFrom: { postgres: ["admin"] } };
const account = {
  ...right.account,
  name: "account",
  props: { ...right.account.props, passwords: sealed([canary]) },
  madeFrom: { passwords: ["made"] },
};
const published = (name: string, props: object, source = "made") => ({
  ...right.secret,
  name,
  props: { ...right.secret.props, secretName: "MO_CRM_DB_PASS", value: sealed(canary), ...props },
  madeFrom: { value: [source] },
});
const put = {
  Effect: "Allow",
  Action: "s3:PutObject",
  Resource: "arn:aws:s3:::shelf/daily/mariadb/*",
  Condition: { Null: { "s3:if-none-match": "false" } },
};
const read = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::shelf/*" };
const userPolicy = (name: string, ...statements: object[]) => ({
  ...right.userPolicy,
  name,
  props: { name, user: "writer", policy: document(...statements) },
});
const pem = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----";
const ingress = (change: object) => ({
  ingress: [{ cidrBlocks: ["192.0.2.64/29"], fromPort: 22, toPort: 22, protocol: "tcp", ...change }],
});
const agentOf = (url: string) => ({
  ...right.agent,
  name: "it",
  props: {
    ...right.agent.props,
    files: { "/etc/estate-backup/agent.conf": { mode: "0644", content: `BUCKET_URL=${url}\n` } },
  },
});
const saving = (databases: string, timers: string[], files?: object) => ({
  ...right.agent,
  name: "agent",
  props: {
    ...right.agent.props,
    ...{ databases: ["mo_idp"], timers },
    files: files ?? {
      "/etc/estate-backup/agent.conf": { mode: "0644", content: `DATABASES='${databases}'\n` },
    },
  },
});
const queue = {
  ...right.settings.redis,
  name: "queue",
  props: { ...right.settings.redis.props, configuration: right.files.queue },
};
const savingQueues = (content: string) => ({
  ...right.agent,
  name: "agent",
  props: {
    ...right.agent.props,
    ...{ databases: ["svc_crm"], timers: ["estate-backup-queues.timer"] },
    files: { "/etc/estate-backup/agent.conf": { mode: "0644", content } },
  },
});

/** What is given to, taken from or sent to somebody who is none of this stack; and what a program lets go of. */
export const belonging: Violator[] = [
  {
    rule: "identity-own",
    is: "a key of a user who was there before",
    members: [
      { type: "aws:iam/accessKey:AccessKey", name: "it", props: { user: "administrator" } },
      { ...right.user, name: "writer" },
    ],
  },
  {
    rule: "identity-own",
    is: "rights of a role who was there before",
    members: [
      { ...right.role53, name: "copier" },
      { type: "aws:iam/rolePolicy:RolePolicy", name: "it", props: { name: "x", role: "administrator" } },
    ],
  },
  {
    rule: "identity-own",
    is: "copies as a stranger's role",
    members: [
      { ...right.bucket, name: "shelf" },
      {
        ...right.replication,
        name: "it",
        props: { ...right.replication.props, role: "arn:aws:iam::999988887777:role/x" },
      },
    ],
  },
  ...Object.entries({
    "in one policy": [userPolicy("it", put, read)],
    "in two policies": [userPolicy("one", put), userPolicy("two", read)],
    "and decrypts": [userPolicy("it", put, { Effect: "Allow", Action: ["kms:Decrypt"], Resource: "*" })],
  }).map(([is, members]) => ({ rule: "writer-only-writes", is: `reads ${is}`, members })),
  ...of(
    "bucket-first-write-wins",
    { type: "aws:iam/rolePolicy:RolePolicy", props: { name: "x", role: "copier" } },
    { "a role that replaces": { policy: document({ ...put, Condition: undefined }) } },
  ),
  ...of("bucket-retention-kept", right.lifecycle, {
    "the index of the archive ends sooner": {
      rules: [...lifecycleRules, lifecycleRule("archive-index/", 1)],
    },
    "the index of the archive stays": {
      rules: lifecycleRules.filter(({ id }) => id !== "archive-index/"),
    },
  }),
  ...of("bucket-policy-closed", right.bucketPolicy, {
    "a second list of statements": {
      policy: document(denyPlain).replace(/}$/, `,"statement":[{"Effect":"Allow","Principal":"*"}]}`),
    },
    "names nobody": {
      policy: document(denyPlain, { Effect: "Allow", Action: "s3:GetObject", Resource: "*" }),
    },
  }),
  ...of("key-policy-closed", right.key, {
    "names nobody": { policy: document({ Effect: "Allow", Action: "kms:Decrypt", Resource: "*" }) },
  }),
  ...of("role-trust-narrow", right.role53, {
    "names nobody": { assumeRolePolicy: document({ Effect: "Allow", Action: "sts:AssumeRole" }) },
  }),
  ...of("bucket-guarded", right.bucket, { "a bucket that a run may delete": { protect: false, props: {} } }),
  ...of("key-rotated", right.key, { "a key that a run may delete": { protect: false, props: {} } }),
  ...of("firewall-database-ports-closed", right.group, {
    "a database in a security group": ingress({ fromPort: 3306, toPort: 3306 }),
    "among others in a security group": ingress({ fromPort: 3000, toPort: 4000 }),
    "every port of a security group": ingress({ fromPort: 0, toPort: 0 }),
    "every protocol of a security group": ingress({ protocol: "-1" }),
    "no port of a security group": ingress({ fromPort: undefined, toPort: undefined }),
  }),
  ...of(
    "firewall-database-ports-closed",
    { type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", props: { securityGroupId: "sg-1" } },
    {
      "a database in a rule of a group": {
        ...{ cidrIpv4: "192.0.2.64/29", fromPort: 5000, toPort: 6000, ipProtocol: "tcp" },
      },
    },
  ),
  ...of("connection-tls-verified", right.awsProvider, {
    "endpoints as one object": { endpoints: '{"s3":"http://127.0.0.1:9000"}' },
    "any server by another word": { insecure: "1" },
    "any server in capitals": { insecure: "TRUE" },
  }),
  ...of("connection-tls-verified", right.estateProvider, {
    "a password in clear": {
      mariadb: JSON.stringify({ password: "never-write-a-password", caCertificate: pem }),
    },
    "keys of the admin in clear": {
      redis: JSON.stringify({ clientCertificates: { "6381": "never-write-a-key" }, caCertificate: pem }),
    },
  }),
  ...of("resource-known", right.awsProvider, {
    "a secret key in clear": { secretKey: "never-write-a-key" },
    "a session in clear": { token: "never-write-a-token" },
  }),
  ...of("resource-known", right.githubProvider, { "a token in clear": { token: "never-write-a-token" } }),
  ...of("resource-known", right.settings.redis, {
    "an admin's password in clear": { admin: { user: "estate_admin", password: "never-write-a-password" } },
  }),
  ...of("resource-known", right.account, {
    "passwords in clear": { passwords: ["never-write-a-password"] },
    "what looks like a list": { grants: { "[]": { database: "mysql", privileges: { "[]": "SUPER" } } } },
  }),
  ...of("resource-known", right.firewall, {
    "rules that stay as they were": { ignoreChanges: ["rules"], props: {} },
  }),
  ...of("resource-known", right.bucketPolicy, {
    "a policy that stays as it was": { ignoreChanges: ["policy"], props: {} },
  }),
  ...of("resource-known", right.password, {
    "a password that stays as it was": { ignoreChanges: ["keepers"], props: {} },
  }),
  ...Object.entries({
    "a stranger's repository": { repository: "evil/mirror" },
    "another environment": { environment: "preview" },
  }).map(([is, props]) => ({
    rule: "published-secret-generated",
    is: `in ${is}`,
    members: [made, account, published("one", {}), published("two", props)],
  })),
  {
    rule: "published-secret-generated",
    is: "all in a stranger's repository",
    members: [made, account, published("one", { repository: "evil/mirror" })],
    config: { "published-secret-generated": { places: ["o/r e"] } },
  },
  {
    rule: "published-secret-generated",
    is: "in a stranger's organisation",
    members: [
      made,
      account,
      { ...right.officialSecret, name: "it", provider: { owner: "evil" }, madeFrom: { value: ["made"] } },
    ],
    config: { "published-secret-generated": { places: ["o/r"] } },
  },
  {
    rule: "published-secret-generated",
    is: "the password of an admin",
    members: [made, admin, loggedIn, account, published("it", {}, "admin")],
  },
  {
    rule: "password-unique",
    is: "an admin's password for a service",
    members: [admin, loggedIn, { ...account, madeFrom: { passwords: ["admin"] } }],
  },
  ...of("password-generated", right.settings.redis, {
    "an admin's that was written down": {
      admin: sealed({ user: "estate_admin", password: "never-write-a-password" }),
    },
  }),
  ...of("password-generated", right.rowSecurity, {
    "a key of contexts that was written down": { keys: sealed({ k1: "never-write-a-key" }) },
  }),
  ...of(
    "password-rotated",
    { type: "estate:rotation:Retirement", props: {} },
    { "former passwords for ten years": { graceDays: { svc_crm: 3650 } } },
  ),
  ...Object.entries({
    "a stranger's host": agentOf("https://evil.test"),
    "a stranger's bucket": agentOf("https://theirs.s3.eu-central-1.amazonaws.com"),
    "a bucket in Virginia": agentOf("https://shelf.s3.us-east-1.amazonaws.com"),
    "a bucket without TLS": agentOf("http://shelf.s3.eu-central-1.amazonaws.com"),
  }).map(([is, agent]) => ({
    rule: "backup-bucket-own",
    is,
    members: [{ ...right.bucket, name: "shelf" }, agent],
  })),
  ...Object.entries({
    "that its agent was not told of": saving("mo_crm:daily", ["estate-backup.timer"]),
    "whose agent never runs": saving("mo_idp:daily", []),
    "whose agent has no settings": saving("", ["estate-backup.timer"], {}),
  }).map(([is, agent]) => ({
    rule: "database-backed-up",
    is: `a database ${is}`,
    members: [{ ...right.postgresDatabase, name: "db" }, agent],
  })),
  ...Object.entries({
    "in no backup": [],
    "that its agent was not told of": [savingQueues("ENGINE=redis\nDATABASES='svc_n8n:daily'\n")],
    "that the agent of another host was told of": [
      savingQueues("ENGINE=mariadb\nDATABASES='svc_crm:daily'\n"),
    ],
  }).map(([is, agents]) => ({
    rule: "database-backed-up",
    is: `a queue ${is}`,
    members: [queue, ...agents],
  })),
  ...Object.entries({
    "that says nothing of evictions": right.files.queue.replace(/^(?:maxmemory-policy|appendonly).*$/gm, ""),
    "with another policy, written down": right.files.queue.replace("noeviction", "allkeys-lru"),
  }).map(([is, configuration]) => ({
    rule: "database-backed-up",
    is: `an instance ${is}`,
    members: [{ ...queue, props: { ...queue.props, configuration } }],
  })),
];
