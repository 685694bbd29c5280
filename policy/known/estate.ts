import { PG_IDENT } from "../../components/plans/pg-hba";
import { SSHD_SETTINGS } from "../../components/plans/sshd-settings";
import { MARIADB_BACKUP_LOGINS, POSTGRES_BACKUP_LOGINS } from "../../estate/backup-logins";
import type { KnownType } from "./type";

/** The project's own kinds and components. `machine` ties a resource to a host and opens nothing. */
export const ESTATE_TYPES: Readonly<Record<string, KnownType>> = {
  "estate:catalogue:Roster": {
    because: "it refuses a run in which a database vanished",
    judged: { "retired[]": ["database-protected"] },
    harmless: ["databases[]"],
  },
  "estate:github:EnvironmentSecret": {
    because: "what an application logs in with, in one environment of its repository",
    judged: { baseUrl: ["connection-tls-verified"] },
    // The value is judged by what it is made from, which a preview knows: published-secret-generated.
    harmless: ["repository", "environment", "secretName"],
    secret: ["value"],
  },
  "estate:mariadb:Database": {
    because: "a database of the catalogue, with the defaults of its tables",
    judged: { name: ["database-backed-up", "database-protected", "service-naming"] },
    harmless: ["charset", "collation", "machine"],
  },
  "estate:mariadb:Account": {
    because: "how a service logs in to MariaDB and what it may do there",
    judged: {
      user: ["service-naming"],
      host: ["account-host-exact"],
      "otherHosts[]": ["account-host-exact"],
      require: ["account-tls-required"],
      "require.subject": ["account-tls-required"],
      "require.issuer": ["account-tls-required"],
      maxUserConnections: ["account-connections-limited"],
      "grants[].database": ["account-least-privilege", "service-naming"],
      "grants[].table": ["account-least-privilege"],
      "grants[].privileges[]": ["account-least-privilege"],
    },
    // Passwords are judged by what they are made from, which a preview knows.
    harmless: ["clientCertificate", "machine", "probe", "locked"],
    secret: ["passwords[]"],
    only: { formerPassword: ["keep", "refuse"] },
  },
  "estate:postgres:Database": {
    because: "a database of the catalogue, with the extensions that were looked at",
    judged: {
      name: ["database-backed-up", "database-protected", "service-naming"],
      owner: ["role-least-privilege", "service-naming"],
      "extensions[]": ["extension-allowlisted"],
    },
    // Settings that a service gives its database are drift: none is declared.
    harmless: ["encoding", "locale", "connectionLimit", "settings", "machine"],
    only: { allowConnections: [true] },
  },
  "estate:postgres:Role": {
    because: "a role that owns or works, and that nobody logs in as",
    judged: {
      name: ["role-least-privilege"],
      "takes[]": ["role-least-privilege", "role-membership-declared"],
      "attributes[]": ["role-least-privilege"],
      "memberships[]": ["role-least-privilege"],
    },
    harmless: ["machine"],
  },
  "estate:postgres:Login": {
    because: "the two slots that a service logs in at, which own nothing",
    judged: {
      worksAs: ["service-naming"],
      probe: ["service-naming"],
      connectionLimit: ["account-connections-limited"],
    },
    secret: ["password"],
    harmless: [
      "clientCertificates.*",
      // pg_hba.conf is what asks for it: hba-source-narrow.
      "requireClientCertificate",
      "machine",
      // Of a slot that is not as declared; none is declared to be.
      "slots",
      "settings.statement_timeout",
      "settings.idle_in_transaction_session_timeout",
    ],
    only: { formerPassword: ["keep", "refuse"] },
  },
  "estate:postgres:Access": {
    because: "the grants of one database, complete: whatever is not named is revoked",
    judged: {
      database: ["service-naming"],
      "owners[]": ["service-naming"],
      "schemas[]": ["access-least-privilege"],
      "grants.*[]": ["access-least-privilege", "access-no-public", "service-naming"],
      "defaultGrants.*[]": ["access-least-privilege", "access-no-public", "service-naming"],
    },
    harmless: ["machine"],
  },
  "estate:postgres:RowSecurity": {
    because: "who sees and changes which rows of one database",
    judged: {
      owner: ["row-security-closed"],
      service: ["row-security-closed"],
      schema: ["row-security-closed"],
      "identities.*.members[]": ["row-security-closed", "role-membership-declared"],
      "identities.*.memberOf[]": ["row-security-closed"],
      "identities.*.attributes[]": ["row-security-closed"],
      "tables.*": ["row-security-closed", "row-security-declared"],
      "exceptions.*": ["row-security-closed"],
      "views.*": ["row-security-closed"],
      "policies.*.table": ["row-security-closed"],
      "policies.*.for": ["row-security-closed"],
      "policies.*.to[]": ["row-security-closed"],
      "policies.*.using": ["row-security-closed"],
      "policies.*.withCheck": ["row-security-closed"],
      "grants.*[]": ["row-security-closed"],
    },
    harmless: [
      ...["database", "policies.*.name", "policies.*.as", "indexes.*[]", "machine"],
      // The provider's own fingerprints, whatever a program says; and nobody.
      ...["context.*", "ownerMembers", "serviceMemberOf", "largeObjects", "advisoryLocks", "statistics"],
    ],
    secret: ["keys.*"],
  },
  "estate:postgres:Jobs": {
    because: "what a PostgreSQL server calls by itself, as the owner of its tables",
    judged: {
      "jobs.*.call": ["job-least-privilege"],
      "jobs.*.runAs": ["job-least-privilege"],
      "jobs.*.schedule": ["job-least-privilege"],
    },
    harmless: ["machine"],
  },
  "estate:redis:User": {
    because: "one service's Redis user: its own keys and channels, data commands alone",
    judged: {
      user: ["redis-user-least-privilege"],
      "keys[]": ["redis-user-least-privilege"],
      "channels[]": ["redis-user-least-privilege"],
      commands: ["redis-user-least-privilege"],
    },
    // Of selectors, which widen a user's rights, there is none.
    // What its instance asks for, its configuration says: server-tls-only.
    harmless: ["port", "machine", "selectors", "clientCertificate", "requireClientCertificate"],
    secret: ["passwords[]"],
    only: { formerPassword: ["keep", "refuse"], enabled: [true] },
  },
  "estate:sql:Migrations": {
    because: "the schema of one database in numbered steps, of which the facts are judged",
    judged: {
      database: ["row-security-declared"],
      "migrations.*.up": ["migration-judgeable"],
      "migrations.*.down": ["migration-judgeable"],
      "migrations.*.facts[].*": ["migration-judgeable"],
      "migrations.*.rollbackFacts[].*": ["migration-judgeable"],
    },
    harmless: ["owner", "migrations.*.checksum", "migrations.*.rollback", "machine"],
  },
  "estate:rotation:Schedule": {
    because: "how often each password changes, and when it last did",
    judged: {
      "services.*.days": ["password-rotated"],
      "services.*.graceDays": ["password-rotated"],
      "services.*.anchor": ["password-rotated"],
    },
    harmless: ["services.*.forced[]", "rotated.**"],
  },
  "estate:rotation:Retirement": {
    because: "it takes former passwords away once the new ones are published",
    judged: { "graceDays.*": ["password-rotated"] },
    harmless: ["logins.*", "host", "ports.*", "machine"],
    secret: ["passwords.*"],
  },
  "estate:host:Machine": {
    because: "which machine stands behind an SSH address",
    judged: { hostKey: ["connection-host-pinned"] },
    harmless: ["label"],
    kept: ["hostKey"],
  },
  "estate:tls:ClientCertificate": {
    because: "what a service shows beside its password, signed by an authority of its own",
    judged: {},
    harmless: ["service", "logins[]", "generation", "leaked", "renewBefore", "condition"],
  },
  "estate:host:Certificate": {
    because: "a server's key and certificate, made on its host and never leaving it",
    judged: { clientAuthorities: ["client-authority-own"] },
    harmless: [
      ...["machine", "name", "engine", "address", "port", "instances.*", "renewBefore", "condition"],
      "admin.user",
    ],
    secret: ["admin.password"],
    // Keys and certificates are written there as root, for the engine to read.
    only: {
      directory: ["/etc/mysql/tls", "/etc/postgresql/tls", "/etc/redis/tls"],
      owner: ["mysql", "postgres", "redis"],
    },
  },
  "estate:host:Firewall": {
    because: "all that a host lets in and out; what no rule names is dropped or refused",
    judged: {
      incoming: ["firewall-source-narrow"],
      outgoing: ["firewall-outgoing-narrow"],
      "rules.*.to": ["firewall-outgoing-narrow"],
      "rules.*.port": [
        "firewall-database-ports-closed",
        "firewall-source-narrow",
        "firewall-outgoing-narrow",
      ],
      "rules.*.from": ["firewall-database-ports-closed", "firewall-source-narrow"],
    },
    // What has to be reached opens nothing: without it a change is less careful.
    harmless: ["label", "machine", "sshPort", "rules.*.comment", "needs[].host", "needs[].port"],
    only: { "rules.*.protocol": ["tcp", "udp"], inForce: ["yes"] },
  },
  "estate:host:Sshd": {
    because: "what a host's SSH server does: in by key alone, and nothing through it",
    judged: {},
    harmless: ["label", "machine"],
    only: {
      ...Object.fromEntries(
        Object.entries(SSHD_SETTINGS).map(([name, value]) => [`settings.${name}`, [value]]),
      ),
      "exceptions[]": [],
    },
    needed: Object.keys(SSHD_SETTINGS).map((name) => `settings.${name}`),
  },
  "estate:host:ServerSettings": {
    because: "what a server reads and runs with, judged as the engine reads it",
    judged: {
      engine: ["server-settings-known"],
      address: ["server-settings-known"],
      port: ["server-settings-known"],
      configuration: ["server-settings-known", "server-tls-only"],
      hba: ["hba-source-narrow"],
      "effective.*": ["server-tls-only"],
    },
    harmless: ["machine"],
    only: {
      ident: [PG_IDENT],
      ...Object.fromEntries(
        Object.entries({ ...POSTGRES_BACKUP_LOGINS, ...MARIADB_BACKUP_LOGINS }).map(([name, text]) => [
          `logins.${name}`,
          [text],
        ]),
      ),
    },
    needed: ["engine", "address", "port", "configuration"],
  },
  "estate:host:RedisInstance": {
    because: "one service's Redis on its host, judged as Redis reads it",
    judged: {
      address: ["server-settings-known"],
      port: ["server-settings-known"],
      name: ["database-backed-up"],
      configuration: ["server-settings-known", "server-tls-only", "database-backed-up"],
      "effective.*": ["server-tls-only"],
      clientAuthorities: ["client-authority-own", "server-tls-only"],
      "limits.*": ["server-settings-known"],
    },
    // The provider writes the unit itself, of the limits and the name, which it checks.
    harmless: ["admin.user", "machine"],
    secret: ["admin.password"],
    needed: [
      ...["address", "port", "configuration"],
      ...["limits.process", "limits.tasks", "limits.cpuPercent", "limits.stopSeconds", "limits.logLines"],
    ],
  },
  "estate:host:BackupAgent": {
    because: "the programs, timers and public keys that save a host's databases",
    judged: {
      "databases[]": ["database-backed-up"],
      "files.*.content": ["agent-file-known"],
      "files.*.mode": ["agent-file-known"],
      "secretFiles.*.content": ["agent-file-known"],
      "secretFiles.*.owner": ["agent-file-known"],
      "packages[]": ["agent-file-known"],
      "timers[]": ["agent-file-known"],
    },
    harmless: ["label", "machine"],
  },
  ...components(),
};

/** Components make nothing themselves: what they are given shows what their children, which are judged, come from. */
function components(): Record<string, KnownType> {
  const servers = ["PleskServer", "MariadbServer", "PostgresServer", "RedisServer"];
  const others = [
    ...["MariadbDatabase", "PostgresDatabase", "RedisUser", "Firewall", "BackupBucket", "BackupAgent"],
    "PublishedSecrets",
  ];
  const because = "a component of this project, whose children are judged one by one";
  return Object.fromEntries([
    ...servers.map((name) => [
      `estate:component:${name}`,
      {
        because,
        judged: { "server.minimumVersion": ["server-version-supported"] },
        harmless: ["server.**", "reach.**"],
      },
    ]),
    ...others.map((name) => [
      `estate:component:${name}`,
      {
        because,
        judged: {},
        harmless: [
          "entry.**",
          "rules.**",
          "backup.**",
          "tags.**",
          "hosts[]",
          "host",
          "databases[]",
          "target.**",
        ],
      },
    ]),
  ]);
}
