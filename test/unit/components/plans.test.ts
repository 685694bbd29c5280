import { execFileSync } from "node:child_process";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mariadbAdminSql, postgresAdminSql } from "../../../components/plans/admin";
import { redisGuarded } from "../../../components/plans/guarded";
import { hostCommand, quote } from "../../../components/plans/host-script";
import { mariadbConfig } from "../../../components/plans/mariadb-config";
import { pgHba } from "../../../components/plans/pg-hba";
import { postgresConfig } from "../../../components/plans/postgres-config";
import {
  loginSettings,
  mariadbGrants,
  postgresPrivileges,
  redisCommands,
} from "../../../components/plans/privileges";
import { redisConfig } from "../../../components/plans/redis-config";
import { mariadbSizing, maxConnections, postgresSizing, redisSizing } from "../../../components/plans/sizing";
import { hostKey, secretFromEnvironment, sshLogin } from "../../../components/plans/ssh";
import { TLS } from "../../../components/plans/tls";
import { databases } from "../../../estate/catalogue";
import type { Reach } from "../../../estate/reachability";
import type { RedisUse } from "../../../estate/types";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "estate-plans-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("sizes", () => {
  it("gives a PostgreSQL server of 8 GiB the platform's tuning", () => {
    expect(postgresSizing(8192)).toEqual({
      sharedBuffers: 2048,
      effectiveCacheSize: 6144,
      maintenanceWorkMem: 512,
      workMem: 10,
      minWalSize: 1024,
      maxWalSize: 4096,
    });
  });

  it("scales down to a small machine and never beyond it", () => {
    const small = postgresSizing(1024);
    expect(small.sharedBuffers + small.maintenanceWorkMem).toBeLessThan(1024 / 2);
    expect(mariadbSizing(1024)).toEqual({ bufferPool: 512, logFile: 128, temporaryTable: 16 });
    expect(mariadbSizing(16384).bufferPool).toBe(9728);
    expect(redisSizing(4096, 20)).toEqual({ process: 819, data: 481 });
    expect(redisSizing(512, 10)).toEqual({ process: 51, data: 21 });
  });

  it("leaves the reserve when every service is at its limit", () => {
    expect(maxConnections([])).toBe(200);
    expect(maxConnections([100, 70])).toBe(200);
    expect(maxConnections([100, 71])).toBe(400);
  });

  it("one more database of the catalogue restarts nobody: connections move in large steps", () => {
    for (const engine of ["mariadb", "postgres"] as const) {
      const limits = databases
        .filter((entry) => entry.server === engine)
        // Both slots of a rotation; MariaDB has one.
        .flatMap(({ connectionLimit }) =>
          Array.from({ length: engine === "postgres" ? 2 : 1 }, () => connectionLimit),
        );
      expect(maxConnections([...limits, 20, 20])).toBe(maxConnections(limits));
    }
  });
});

const redisPlan = (use: RedisUse) => ({
  ...TLS.redis,
  ...{ user: "svc_crm", use, listen: "192.0.2.14", port: 6381, sizing: redisSizing(512, 15) },
});
const redisLines = (use: RedisUse) => redisConfig(redisPlan(use)).split("\n");

const size = { port: 3306, memoryMiB: 1024, serviceLimits: [20] };

describe("configuration files", () => {
  it("MariaDB: TLS only, one address, no files, hardened login", () => {
    const text = mariadbConfig({ ...size, ...TLS.mariadb, listen: "192.0.2.12" });
    for (const line of [
      "bind-address = 192.0.2.12",
      "require_secure_transport = ON",
      "tls_version = TLSv1.2,TLSv1.3",
      "local_infile = OFF",
      "skip-name-resolve",
      "symbolic_links = OFF",
      "plugin_load_add = simple_password_check",
      "long_query_time = 1",
      "general_log = OFF",
      "log_bin = /var/lib/mysql/binlog",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("PostgreSQL: TLS 1.3, SCRAM, statistics, slow statements without their parameters, room for two slots a service", () => {
    const text = postgresConfig({ ...size, ...TLS.postgres, port: 5432, listen: "192.0.2.13" });
    for (const line of [
      "listen_addresses = '192.0.2.13'",
      "ssl_min_protocol_version = 'TLSv1.3'",
      "password_encryption = 'scram-sha-256'",
      "shared_preload_libraries = 'pg_stat_statements,pg_cron,passwordcheck'",
      "log_min_duration_statement = 100",
      "log_parameter_max_length = 0",
      "log_parameter_max_length_on_error = 0",
      "max_connections = 200",
      "reserved_connections = 5",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("Redis: no plain port, TLS, users from its own ACL file, its share of memory", () => {
    const lines = redisLines("cache");
    for (const line of [
      "port 0",
      "tls-port 6381",
      "aclfile /var/lib/redis/crm/users.acl",
      "dir /var/lib/redis/crm",
      "maxmemory 36mb",
      "maxclients 256",
    ]) {
      expect(lines).toContain(line);
    }
  });

  it("Redis: a queue is never evicted and is on disk every second, a cache gives way", () => {
    expect(redisLines("queue")).toEqual(
      expect.arrayContaining([
        "maxmemory-policy noeviction",
        "appendonly yes",
        "appendfsync everysec",
        "save 60 1",
      ]),
    );
    expect(redisLines("cache")).toEqual(
      expect.arrayContaining(["maxmemory-policy allkeys-lru", "appendonly no"]),
    );
  });

  it("Redis: what is watched in the running instance is what its file says", () => {
    for (const use of ["cache", "queue"] as const) {
      const lines = redisLines(use);
      const guarded = redisGuarded(redisPlan(use));
      for (const setting of ["maxmemory-policy", "maxclients", "appendonly"]) {
        expect(lines).toContain(`${setting} ${guarded[setting]}`);
      }
      expect(guarded.maxmemory).toBe(String(36 * 1024 * 1024));
      expect(guarded.memory_max).toBe(String(76 * 1024 * 1024));
    }
    expect(redisGuarded({ ...redisPlan("cache"), listen: "fd00::14" }).listening).toBe("[fd00::14]:6381");
  });

  it("Redis: asks for certificates of its own service where that is declared, and else says what it always said", () => {
    const asking = (clientCertificate: "optional" | "required" | undefined) =>
      redisConfig({ ...redisPlan("cache"), clientCertificate }).split("\n");
    expect(asking(undefined)).toEqual(redisLines("cache"));
    expect(asking(undefined).filter((line) => /^(tls-(ca|auth)|unixsocket)/.test(line))).toEqual([
      "tls-ca-cert-file /etc/redis/tls/ca.crt",
      "tls-auth-clients no",
    ]);
    for (const [use, asks] of [
      ["optional", "optional"],
      ["required", "yes"],
    ] as const) {
      const lines = asking(use);
      const guarded = redisGuarded({ ...redisPlan("cache"), clientCertificate: use });
      expect(lines).toContain(`tls-auth-clients ${asks}`);
      expect(lines).toContain("tls-ca-cert-file /etc/redis/tls/clients-crm.crt");
      expect(lines).toContain("unixsocket /var/lib/redis/crm/admin.sock");
      expect(lines).toContain("unixsocketperm 700");
      for (const setting of ["tls-auth-clients", "tls-ca-cert-file", "tls-session-caching"])
        expect(lines).toContain(`${setting} ${guarded[setting]}`);
    }
    expect(Object.keys(redisGuarded(redisPlan("cache"))).join()).not.toContain("tls-auth");
  });

  it("pg_hba.conf: each login into its own database, from one address, and nothing else", () => {
    const door = (database: string | undefined, logins: string[]): Reach => ({
      ...{
        host: "postgres",
        service: "postgres",
        port: 5432,
        protocol: "tcp",
        who: "web host",
        tls: "required",
      },
      ...{ from: "192.0.2.11", database, logins },
    });
    const hba = pgHba([
      door(undefined, ["estate_admin"]),
      door("mo_idp", ["svc_idp_a", "svc_idp_b"]),
      door("mcp_portal", ["svc_mcp_portal_a", "svc_mcp_portal_b"]),
      { host: "postgres", service: "ssh", port: 22, protocol: "tcp", from: "192.0.2.1", who: "operators" },
    ]);
    expect(hba).toMatchInlineSnapshot(`
      "# Written by the estate program; changes by hand are overwritten.
      local    all          postgres                                          peer
      local    all          estate_backup                                     peer map=estate
      local    all          /^estate_restore_[0-9a-f]+$                       peer map=estate
      local    replication  estate_base                                       peer map=estate
      hostssl  all          estate_admin                       192.0.2.11/32  scram-sha-256
      hostssl  mcp_portal   svc_mcp_portal_a,svc_mcp_portal_b  192.0.2.11/32  scram-sha-256
      hostssl  mo_idp       svc_idp_a,svc_idp_b                192.0.2.11/32  scram-sha-256
      local    all          all                                               reject
      host     all          all                                all            reject"
    `);
  });
});

describe("admin logins", () => {
  const password = "correct horse battery staple";

  it("MariaDB: the hash that mysql_native_password keeps, over TLS, without FILE, SUPER or SHUTDOWN", () => {
    const sql = mariadbAdminSql("secret", "192.0.2.11");
    // SELECT PASSWORD('secret') on MariaDB
    expect(sql).toContain("'*14E65567ABDB5135D0CFD9A70B3032C179A49EE7' REQUIRE SSL");
    expect(sql).not.toMatch(/'secret'|\bFILE\b|\bSUPER\b|SHUTDOWN|ALL PRIVILEGES/);
  });

  it("PostgreSQL: a verifier that checks out against the password and is the same every time", () => {
    const sql = postgresAdminSql(password);
    expect(sql).toBe(postgresAdminSql(password));
    expect(sql).not.toContain(password);
    const [, iterations = "", salt = "", storedKey = ""] =
      /SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(sql) ?? [];
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
    const clientKey = createHmac("sha256", salted).update("Client Key").digest();
    expect(createHash("sha256").update(clientKey).digest("base64")).toBe(storedKey);
    expect(postgresAdminSql("another")).not.toContain(salt);
  });
});

describe("privileges", () => {
  it("let a service on Redis list its own keys, and a cache be emptied, and nobody load code that stays", () => {
    for (const use of ["cache", "queue"] as const) {
      const rules = redisCommands(use).split(" ");
      const taken = ["-@dangerous", "-@admin", "-function", "-script|debug"];
      expect(rules).toEqual(expect.arrayContaining([...taken, "+keys"]));
      expect(rules.indexOf("+keys")).toBeGreaterThan(rules.indexOf("-@dangerous"));
      expect(rules.includes("+flushdb")).toBe(use === "cache");
    }
  });

  const reason = "because";

  it("give a service without migrations of its own no DDL", () => {
    const schema =
      "CREATE TABLE `records` (\n  `id` int\n);\n/*!50001 VIEW `latest` AS select 1 AS `id` */;\n";
    const migrations = { database: "mo_consent", engine: "mariadb" as const, migrations: [], schema };
    expect(mariadbGrants({ name: "mo_consent", schema: { owner: "program", reason } }, migrations)).toEqual([
      { database: "mo_consent", privileges: ["EXECUTE"] },
      { database: "mo_consent", table: "records", privileges: ["SELECT", "INSERT", "UPDATE", "DELETE"] },
      { database: "mo_consent", table: "latest", privileges: ["SELECT", "SHOW VIEW"] },
    ]);
  });

  it("give an application DDL inside its database and nothing that reaches beyond", () => {
    const [grant] = mariadbGrants({ name: "mo_crm", schema: { owner: "application", reason } }, undefined);
    expect(grant?.privileges).toEqual(expect.arrayContaining(["CREATE", "ALTER", "DROP", "TRIGGER"]));
    for (const never of ["GRANT OPTION", "FILE", "SUPER", "EVENT", "ALL PRIVILEGES"]) {
      expect(grant?.privileges).not.toContain(never);
    }
  });

  it("PostgreSQL: CONNECT for slots, rows for the service, and the same for what the owner creates later", () => {
    const entry = { service: "svc_x", owner: "x_owner", schema: { owner: "program" as const, reason } };
    const { owners, grants, defaultGrants } = postgresPrivileges(entry);
    expect(owners).toEqual(["x_owner"]);
    expect(grants).toEqual({
      "estate_backup on database": ["CONNECT"],
      "svc_x_a on database": ["CONNECT"],
      "svc_x_b on database": ["CONNECT"],
      "svc_x on schema public": ["USAGE"],
      "svc_x on tables in public": ["SELECT", "INSERT", "UPDATE", "DELETE"],
      "svc_x on sequences in public": ["SELECT", "USAGE"],
      "svc_x on functions in public": ["EXECUTE"],
    });
    expect(Object.keys(defaultGrants)).toEqual([
      "svc_x on tables by x_owner in public",
      "svc_x on sequences by x_owner in public",
      "svc_x on functions by x_owner in public",
    ]);
  });

  it("an application owns its tables and is granted nothing but the way in", () => {
    const entry = { service: "svc_x", owner: "svc_x", schema: { owner: "application" as const, reason } };
    expect(postgresPrivileges(entry)).toEqual({
      owners: ["svc_x"],
      grants: {
        "estate_backup on database": ["CONNECT"],
        "svc_x_a on database": ["CONNECT"],
        "svc_x_b on database": ["CONNECT"],
      },
      defaultGrants: {},
    });
  });

  it("a migration may take minutes, a request may not", () => {
    expect(loginSettings("application").statement_timeout).toBe("300s");
    expect(loginSettings("program").statement_timeout).toBe("60s");
  });
});

describe("TLS settings", () => {
  it("let a server speak 1.3 alone, or 1.2 as well", () => {
    const only = { ...TLS.mariadb, minimumVersion: "TLSv1.3" } as const;
    expect(mariadbConfig({ ...size, ...only, listen: "192.0.2.12" })).toContain("tls_version = TLSv1.3\n");
    expect(redisConfig(redisPlan("queue"))).toContain('tls-protocols "TLSv1.2 TLSv1.3"\n');
    expect(redisConfig({ ...redisPlan("queue"), ...only })).toContain('tls-protocols "TLSv1.3"\n');
  });
});

describe("commands on a host", () => {
  it("survive any text in their variables", () => {
    const value = 'it\'s $HOME `id`\n\\ "quoted"';
    const line = `${quote("printf")} %s ${quote(value)}`;
    expect(execFileSync("sh", ["-c", line], { encoding: "utf8" })).toBe(value);
  });

  it("are scripts that bash can read", () => {
    for (const scripts of [["install-packages"], ["mariadb"], ["postgres"]] as const) {
      const command = hostCommand({ scripts, variables: { A: "it's" }, user: "root" });
      const parsed = command.replace("bash -euo pipefail -c", "bash -n -euo pipefail -c");
      expect(execFileSync("sh", ["-c", parsed], { encoding: "utf8" })).toBe("");
    }
  });
});

describe("SSH", () => {
  const ssh = { host: "db.test", port: 22, user: "root" };

  it("finds a host's key by plain, bracketed and hashed name", () => {
    const salt = Buffer.from("0123456789abcdef0123").toString("base64");
    const hash = createHmac("sha1", Buffer.from(salt, "base64")).update("hidden.test").digest("base64");
    const known = `# comment\nother,db.test ssh-ed25519 AAAA1\n[db.test]:2222 ssh-ed25519 AAAA2\n|1|${salt}|${hash} ssh-ed25519 AAAA3\n`;
    expect(hostKey(known, ssh)).toBe("ssh-ed25519 AAAA1");
    expect(hostKey(known, { ...ssh, port: 2222 })).toBe("ssh-ed25519 AAAA2");
    expect(hostKey(known, { ...ssh, host: "hidden.test" })).toBe("ssh-ed25519 AAAA3");
    expect(hostKey(known, { ...ssh, host: "unknown.test" })).toBeUndefined();
  });

  it("does not connect to a host without a pinned key; a preview may", () => {
    const knownHosts = join(directory, "known_hosts");
    expect(() => sshLogin(ssh, { knownHosts, pinned: true, env: {} })).toThrow(
      /has no key of db\.test.*ssh-keyscan/,
    );
    expect(sshLogin(ssh, { knownHosts, pinned: false, env: {} }).hostKey).toBeUndefined();
    writeFileSync(knownHosts, "db.test ssh-ed25519 AAAA1\n");
    expect(sshLogin(ssh, { knownHosts, pinned: true, env: {} }).hostKey).toBe("ssh-ed25519 AAAA1");
  });

  it("takes a secret from the environment or from the file it names", () => {
    const file = join(directory, "secret");
    writeFileSync(file, "from the file");
    expect(secretFromEnvironment("S", { S: "direct", S_FILE: file })).toBe("direct");
    expect(secretFromEnvironment("S", { S_FILE: file })).toBe("from the file");
    expect(secretFromEnvironment("S", {})).toBeUndefined();
    expect(() => secretFromEnvironment("S", { S_FILE: `${file}.none` })).toThrow(
      /S_FILE is ".*none", which cannot be read/,
    );
  });
});

describe("plans", () => {
  it("do without Pulumi, types apart: the command loads them at every start", () => {
    const directory = join(__dirname, "../../../components/plans");
    const loading = readdirSync(directory).filter((file) =>
      /^import (?!type ).*"@pulumi\//m.test(readFileSync(join(directory, file), "utf8")),
    );
    expect(loading).toEqual([]);
  });
});
