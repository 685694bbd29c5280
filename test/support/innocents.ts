import type { Member } from "./policy";
import * as right from "./violators/right";
import { sealed } from "./wire-values";

/** What a platform engineer adds in good faith, with what docs/policy.md says how to allow it. */
export interface Innocent {
  is: string;
  members: Member[];
  config?: Record<string, object>;
}

type Change = Record<string, unknown>;
const changed = (
  is: string,
  one: Omit<Member, "name">,
  change: Change,
  config?: Innocent["config"],
): Innocent => ({
  is,
  members: [{ ...one, name: "it", props: { ...one.props, ...change } } as Member],
  ...(config && { config }),
});
const postgres = (is: string, sql: string, config?: Innocent["config"]) =>
  changed(is, right.migrations, right.up(sql), config);
const mariadb = (is: string, sql: string): Innocent => ({
  is,
  members: [{ ...right.migrations, ...right.upMariadb(sql), name: "it" } as Member],
});
const ACCOUNT = "111122223333";
const role = { AWS: `arn:aws:iam::${ACCOUNT}:role/reader` };
const policy = right.settings.postgres.props.hba;

export const innocents: readonly Innocent[] = [
  changed(
    "one more source",
    right.firewall,
    right.doors([22, "10.0.0.1"], [22, "2001:db8::1"], ["8000:8010", "10.0.0.11"]),
  ),
  changed("a port of the web host", right.firewall, right.doors([3306, "10.0.0.11"])),
  changed("a service of its own in pg_hba.conf", right.settings.postgres, {
    hba: `hostssl ncy8 svc_ncy8_a,svc_ncy8_b 10.0.0.11/32 scram-sha-256 # ours\n${policy}`,
  }),
  changed("slow statements in the log", right.settings.postgres, {
    configuration: right.files.postgres.replace(/^log_min_duration.*$/m, "log_min_duration_statement = 1000"),
  }),
  changed("half a core", right.settings.redis, {
    limits: { ...right.settings.redis.props.limits, cpuPercent: 50 },
  }),
  changed(
    "two cores",
    right.settings.redis,
    { limits: { ...right.settings.redis.props.limits, cpuPercent: 200 } },
    {
      "server-settings-known": { cpuPercent: 400 },
    },
  ),
  changed("columns alone", right.access, {
    grants: { "svc_idp on table public.users": ["UPDATE (name, email)"] },
  }),
  changed(
    "another schema of the service",
    right.access,
    { schemas: ["api"], grants: { "svc_idp on schema api": ["USAGE"] } },
    {
      "access-least-privilege": { schemas: ["public", "api"] },
    },
  ),
  changed("a role that is called like a word of the server's", right.role, { name: "publications" }),
  changed("every fifteen minutes", right.jobs, {
    jobs: { "ncy8/a": { call: "internal.clean()", runAs: "ncy8_owner", schedule: "*/15 8-18 * * 1,5" } },
  }),
  changed("who reports", right.analyst, { roles: ["reporting"] }),
  changed(
    "a bucket read by a role",
    right.bucketPolicy,
    {
      policy: right.document(right.denyPlain, {
        Effect: "Allow",
        Principal: role,
        Action: ["s3:GetObject", "s3:ListBucket"],
        Resource: "*",
      }),
    },
    { "bucket-policy-closed": { accounts: [ACCOUNT] } },
  ),
  changed("a policy with quotes and colons in its values", right.bucketPolicy, {
    policy: right.document({ ...right.denyPlain, Sid: 'a "quoted": word' }),
  }),
  changed(
    "a key that a role uses",
    right.key,
    {
      policy: right.document(
        {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
          Action: "kms:*",
          Resource: "*",
        },
        { Effect: "Allow", Principal: role, Action: ["kms:Decrypt", "kms:DescribeKey"], Resource: "*" },
      ),
    },
    { "key-policy-closed": { accounts: [ACCOUNT] } },
  ),
  changed("a longer lock", right.lock, { rule: { defaultRetention: { mode: "COMPLIANCE", years: 7 } } }),
  changed(
    "an alarm",
    { type: "aws:sns/topic:Topic", props: {} },
    { name: "alarms" },
    {
      "resource-known": {
        added: {
          "aws:sns/topic:Topic": {
            reason: "alarms of the backups go to the operators",
            properties: ["name"],
          },
        },
      },
    },
  ),
  changed("a tag with an address", right.user, {
    tags: {
      owner: "platform",
      "data-protection-contact": "https://wiki.test/dpo",
      build: "a3f5c0de".repeat(5),
    },
  }),
  changed("a key of AWS that is sealed", right.awsProvider, { accessKey: sealed(`AKIA${"A".repeat(16)}`) }),
  changed("a backup to another region", right.agent, {
    files: {
      "/etc/estate-backup/agent.conf": {
        mode: "0644",
        content:
          "ENGINE=postgres\nHOST=db\nBUCKET_URL=https://shelf.s3.eu-west-1.amazonaws.com\nDATABASES='a:daily b:archive'\n",
      },
    },
  }),
  changed(
    "context or constant",
    right.rowSecurity,
    right.using(`"team_id" = (SELECT context.tenant('ncy8_member')) AND "deleted_at" IS NULL`),
  ),
  postgres(
    "a schema of its own",
    "CREATE SCHEMA reports; CREATE VIEW reports.v WITH (security_invoker) AS SELECT 1;",
  ),
  postgres(
    "a function with a path and a limit",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET statement_timeout = '5s' AS 'SELECT 1';",
  ),
  postgres(
    "the catalogue is read",
    "DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'a') THEN UPDATE a SET b = 1; END IF; END $$;",
  ),
  postgres(
    "the context is asked",
    "CREATE FUNCTION f() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT context.tenant()';",
  ),
  postgres("a lock of the transaction", "SELECT pg_advisory_xact_lock(1);"),
  postgres(
    "rows that go with others",
    "ALTER TABLE users ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES b (a) ON DELETE CASCADE;",
  ),
  postgres("a trigger that is no guard goes", "DROP TRIGGER touch ON users;", {
    "migration-row-security-kept": { dropped: { "users.touch": "it only kept the time of the last change" } },
  }),
  {
    is: "a rollback that takes its own trigger back",
    members: [
      {
        ...right.migrations,
        name: "it",
        props: {
          ...right.migrations.props,
          migrations: {
            "0001_a": {
              up: "CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();",
              down: "DROP TRIGGER touch ON users;",
            },
          },
        },
      },
    ],
  },
  mariadb(
    "an alias",
    "INSERT INTO a (b) SELECT d.id FROM donors AS d JOIN gifts g ON g.donor = d.id WHERE d.x = 1.5;",
  ),
  mariadb(
    "a part of a date",
    "UPDATE donors d SET d.year = EXTRACT(YEAR FROM d.born) WHERE trim(LEADING '0' FROM d.name) <> '';",
  ),
  mariadb(
    "a row that is there",
    "INSERT INTO a (id, n) VALUES (1, 1) ON DUPLICATE KEY UPDATE a.n = a.n + 1;",
  ),
  mariadb("a trigger", "CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW SET NEW.n = OLD.n + 1;"),
  mariadb(
    "a column that is called engine",
    "CREATE TABLE IF NOT EXISTS cars (id int, engine varchar(10)) ENGINE = InnoDB; ALTER TABLE cars ADD COLUMN IF NOT EXISTS engine text;",
  ),
  mariadb(
    "several tables in parentheses",
    "INSERT INTO a (x, y) SELECT b.x, (c.y + 1) FROM (b, c) WHERE b.n LIKE c.pattern AND b.id IN (c.id, b.x);",
  ),
  mariadb(
    "a procedure",
    "CREATE OR REPLACE PROCEDURE p(IN x int) SQL SECURITY INVOKER UPDATE a SET a.n = x, a.m = a.m + 0.5 WHERE a.id = x;",
  ),
  mariadb("several tables at once", "DELETE a FROM a JOIN b ON b.id = a.id;"),
  changed(
    "another database with its account",
    { type: "estate:mariadb:Database", props: {} },
    { name: "mo_shop", charset: "utf8mb4" },
  ),
  changed("an account of another service", right.account, {
    user: "svc_shop",
    host: "localhost",
    otherHosts: ["10.0.0.11"],
    grants: [{ database: "mo_shop", privileges: ["SELECT", "INSERT", "UPDATE", "DELETE"] }],
    passwords: sealed(["a"]),
  }),
  changed("a database with an owner of its own", right.postgresDatabase, {
    ...{ name: "mo_wiki", owner: "mo_wiki_owner", extensions: ["pg_trgm"] },
  }),
  changed("a database that was retired", right.postgresDatabase, { name: "mo_wiki", owner: "estate_admin" }),
  changed("migrations as a service that owns its tables", right.migrations, {
    database: "mo_wiki",
    owner: "svc_wiki",
  }),
  changed("a job of another database", right.jobs, {
    jobs: { "mcp_portal/clean": { call: "internal.clean()", runAs: "mcp_admin", schedule: "5 3 * * 0" } },
  }),
  changed("another service's Redis", right.redisUser, {
    user: "svc_shop",
    keys: ["shop:*"],
    channels: ["shop:*"],
  }),
  changed(
    "daily backups for longer",
    right.lifecycle,
    {
      rules: right.lifecycleRules.map((rule) =>
        /^(?:daily|status)/.test(rule.id) ? { ...rule, expiration: { days: 120 } } : rule,
      ),
    },
    { "bucket-retention-kept": { dailyDays: 120 } },
  ),
  changed(
    "a monitor and a second range of operators",
    right.firewall,
    right.doors([22, "10.0.0.0/29"], [22, "10.0.1.0/29"], [9100, "10.0.0.77"], ["9187", "10.0.0.77"]),
  ),
  changed("a port range to a network that is named", right.firewall, {
    rules: { a: { port: "8000:8010", protocol: "tcp", to: "10.0.3.0/24", comment: "a mirror" } },
  }),
  changed("a web server's port in a group", right.group, {
    ingress: [{ cidrBlocks: ["10.0.0.11/32"], fromPort: 443, toPort: 443, protocol: "tcp" }],
  }),
  changed("an address of IPv6", right.settings.mariadb, {
    address: "fd77::5",
    configuration: right.files.mariadb.replace("10.0.0.5", "fd77::5"),
  }),
  changed("a comment behind a setting", right.settings.mariadb, {
    configuration: right.files.mariadb.replace("port = 3306", "port = 3306 # as ever"),
  }),
  changed("names in quotes", right.settings.postgres, {
    hba: `hostssl "ncy8" "svc_ncy8_a", svc_ncy8_b 10.0.0.11/32 scram-sha-256\n${policy}`,
  }),
  changed(
    "rows of nobody beside one's own",
    right.rowSecurity,
    right.using(
      `"team_id" IS NULL AND (SELECT context.verified('ncy8_member')) OR "team_id" = (SELECT context.tenant('ncy8_member'))`,
    ),
  ),
  changed("an address with a port and a name of a package", right.user, {
    tags: {
      owner: "https://registry.test:4873/@scope/package",
      "data-protection-contact": "dpo@estate.test",
    },
  }),
  changed("addresses in a row", right.user, {
    tags: {
      owner: Array.from({ length: 15 }, (_, index) => 10 + index).join(", "),
      "data-protection-contact": "d",
    },
  }),
  {
    is: "a name that an autoscaler changes, with its reason",
    members: [{ ...right.user, name: "it", ignoreChanges: ["tags"] }],
    config: {
      "resource-known": {
        added: {
          "aws:iam/user:User": {
            ...{ reason: "the organisation writes cost centres on its own", properties: [], kept: ["tags"] },
          },
        },
      },
    },
  },
  postgres(
    "assignments of every kind",
    `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE a text[]; r record; BEGIN
       a[1] := 'x'; a[array_length(a, 1) + 1] = lower('Y'); NEW.b := now(); NEW.c[2] := 1; r.d = 2; RETURN NEW; END $$;`,
  ),
  postgres(
    "a trigger in another's place",
    "CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();",
    {
      "migration-row-security-kept": {
        dropped: { "users.touch": "it only kept the time of the last change" },
      },
    },
  ),
  postgres(
    "sizes and names",
    "SELECT pg_total_relation_size('users'), pg_get_serial_sequence('users', 'id');",
  ),
  mariadb(
    "a trigger with conditions",
    "CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW FOLLOWS b SET NEW.c = CASE WHEN NEW.b > 9 THEN 1 ELSE IF(NEW.b, 2, 3) END, NEW.role = 'x', @n = 1;",
  ),
  mariadb(
    "a block that branches, counts and looks for faults",
    `DELIMITER //
CREATE OR REPLACE PROCEDURE p(IN x int) SQL SECURITY INVOKER
BEGIN
  DECLARE i int DEFAULT 0;
  DECLARE rows CURSOR FOR SELECT a FROM b;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET i = 9;
  l: WHILE i < x DO
    IF i = 1 THEN INSERT INTO a VALUES (1); ELSEIF i = 2 THEN LEAVE l; ELSE SET i = CASE WHEN i > 1 THEN 2 ELSE 3 END; END IF;
    CASE i WHEN 1 THEN DELETE FROM a; ELSE UPDATE a SET b = REPEAT('x', 2); END CASE;
  END WHILE;
  FOR n IN 1 .. 3 DO SELECT n; END FOR;
  REPEAT SET i = i + 1; UNTIL i > 3 END REPEAT;
END //
DELIMITER ;
`,
  ),
  mariadb(
    "a function",
    "CREATE OR REPLACE FUNCTION f(x int) RETURNS int DETERMINISTIC SQL SECURITY INVOKER RETURN IF(x > 1, x, 1);",
  ),
];
