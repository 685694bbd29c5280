import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairs, type RedisServer } from "../../../connect/redis";
import type { Privileges } from "../../../ops/privileges/check";
import { live } from "../../support/declared";
import { mariadb, onHost, postgres } from "../../support/lab";
import { run } from "../../support/run";
import { loginOf, redisAdmin } from "../../support/state";

/** The web host's address: the host part of every account on the external MariaDB. */
const web = "10.77.0.11";
const hooks = `svc_hooks@'${web}'`;

interface Report {
  ok: boolean;
  services: { sound: number; total: number };
  results: Privileges[];
}

async function check(...names: string[]): Promise<{ code: number; report: Report }> {
  const only = names.length > 0 ? ["--only", ...names] : [];
  const checked = await run("ops/estate", ["check", "--stack", "local", "--privileges", "--json", ...only]);
  return { code: checked.code, report: JSON.parse(checked.stdout) as Report };
}

/** What is not as it must be with one service, while a guard is removed by hand. */
async function violationsWith(name: string, remove: () => Promise<unknown>, mend: () => Promise<unknown>) {
  try {
    await remove();
    const { code, report } = await check(name);
    expect(code).toBe(1);
    const [result] = report.results;
    return (result?.probes ?? []).filter(({ ok }) => !ok);
  } finally {
    await mend();
  }
}

const titles = (probes: { title: string }[]) => probes.map(({ title }) => title);

/** The slot that mo_grafana logs in at: a rotation takes the other. */
let slot: string;
beforeAll(async () => {
  slot = (await loginOf("mo_grafana")).user;
});

describe("what every service can and cannot do", () => {
  it("is as declared, shown by trying it", async () => {
    const table = await run("ops/estate", ["check", "--stack", "local", "--privileges"]);
    process.stdout.write(table.output);
    expect(table.output).toContain(`${live.services}/${live.services} services as declared`);
    expect(table.code).toBe(0);
  });

  it("leaves nothing behind", async () => {
    for (const host of ["plesk", "mariadb"] as const) {
      const left =
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'estate\\_check%'";
      expect(await mariadb(host, left)).toBe("");
      expect(await mariadb(host, "SELECT User FROM mysql.user WHERE User LIKE 'estate\\_check%'")).toBe("");
    }
    expect(
      await postgres("mo_idp", "SELECT relname FROM pg_class WHERE relname LIKE 'estate\\_check%'"),
    ).toBe("");
    expect(
      await postgres("mo_idp", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'estate\\_check%'"),
    ).toBe("");
  });
});

describe("a service whose tables the program migrates", () => {
  beforeAll(async () => {
    await postgres("ncy8", "CREATE TABLE secret (id int)");
  });
  afterAll(async () => {
    await postgres("ncy8", "DROP TABLE secret");
  });

  it("works on their rows and cannot change the tables nor hand them on", async () => {
    const { code, report } = await check("mo_hooks", "ncy8");
    const tried = report.results.flatMap(({ probes }) => titles(probes));
    expect(tried).toEqual(
      expect.arrayContaining([
        "insert into webhook_logs",
        "insert into webhook_queue",
        "read the history of its migrations",
        "insert into public.users",
        "drop public.users",
        "grant public.users on",
        "take ncy8_member for a transaction",
        "see a row as ncy8_member with a context that nobody signed",
      ]),
    );
    expect(report.results.flatMap(({ probes }) => probes.filter(({ ok }) => !ok))).toEqual([]);
    expect(code).toBe(0);
  });

  it("a table of somebody else that it may read is named", async () => {
    const found = await violationsWith(
      "ncy8",
      () => postgres("ncy8", "GRANT SELECT ON secret TO PUBLIC"),
      () => postgres("ncy8", "REVOKE SELECT ON secret FROM PUBLIC"),
    );
    expect(found.map(({ title, detail }) => [title, detail])).toEqual([
      ["read tables that are not its own nor its owner's", "public.secret"],
    ]);
  });

  it("the right to hand a table on is named", async () => {
    const found = await violationsWith(
      "ncy8",
      () => postgres("ncy8", "GRANT SELECT ON users TO svc_ncy8 WITH GRANT OPTION"),
      () => postgres("ncy8", "REVOKE GRANT OPTION FOR SELECT ON users FROM svc_ncy8"),
    );
    expect(titles(found)).toEqual(["grant public.users on"]);
  });
});

describe("PostgreSQL: a guard removed by hand is named", () => {
  const sql = (text: string) => () => postgres("postgres", text);

  it("PUBLIC may connect: named, and pg_hba.conf still keeps everybody out", async () => {
    const found = await violationsWith(
      "mo_grafana",
      sql("GRANT CONNECT ON DATABASE mo_idp TO PUBLIC"),
      sql("REVOKE CONNECT ON DATABASE mo_idp FROM PUBLIC"),
    );
    expect(found.map(({ title, detail }) => [title, detail])).toEqual([
      ["connect to another database by its grants", "mo_idp"],
      ["use what PUBLIC holds on a database", "PUBLIC has CONNECT on mo_idp"],
    ]);
  });

  it("a way into another database", async () => {
    const hba = "/etc/postgresql/17/main/pg_hba.conf";
    const line = `hostssl mo_idp ${slot} ${web}/32 scram-sha-256`;
    const found = await violationsWith(
      "mo_grafana",
      async () => {
        await onHost("postgres", ["cp", "-p", hba, `${hba}.kept`]);
        await onHost("postgres", ["sed", "-i", `1i ${line}`, hba]);
        await postgres("postgres", `GRANT CONNECT ON DATABASE mo_idp TO ${slot}; SELECT pg_reload_conf()`);
      },
      async () => {
        await onHost("postgres", ["mv", `${hba}.kept`, hba]);
        await postgres("postgres", `REVOKE CONNECT ON DATABASE mo_idp FROM ${slot}; SELECT pg_reload_conf()`);
      },
    );
    expect(titles(found)).toEqual(["connect to another database by its grants", "log in to database mo_idp"]);
  });

  it("CREATEROLE", async () => {
    const found = await violationsWith(
      "mo_grafana",
      sql("ALTER ROLE svc_grafana CREATEROLE"),
      sql("ALTER ROLE svc_grafana NOCREATEROLE"),
    );
    expect(titles(found)).toEqual([
      "be superuser, CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS",
      "create a role",
    ]);
  });

  it("CREATEROLE of the login slot, which works as another role", async () => {
    const found = await violationsWith(
      "mo_grafana",
      sql(`ALTER ROLE ${slot} CREATEROLE`),
      sql(`ALTER ROLE ${slot} NOCREATEROLE`),
    );
    expect(found.map(({ detail }) => detail)).toEqual([`${slot} is CREATEROLE`]);
  });

  it("membership in another service's role", async () => {
    const found = await violationsWith(
      "mo_grafana",
      sql(`GRANT svc_idp TO ${slot}`),
      sql(`REVOKE svc_idp FROM ${slot}`),
    );
    expect(titles(found)).toEqual([
      "be a member of any role but its service",
      "work as svc_idp",
      "connect to another database by its grants",
    ]);
  });

  it("programs and files of the host", async () => {
    const found = await violationsWith(
      "ncy8",
      sql("GRANT pg_execute_server_program, pg_read_server_files TO svc_ncy8"),
      sql("REVOKE pg_execute_server_program, pg_read_server_files FROM svc_ncy8"),
    );
    expect(titles(found)).toEqual([
      "be a member of any role but its service",
      "run a program on the host",
      "read a file of the host by COPY",
    ]);
  });

  it("DDL of a service that only works on rows", async () => {
    const found = await violationsWith(
      "ncy8",
      () => postgres("ncy8", "GRANT CREATE ON SCHEMA public TO svc_ncy8"),
      () => postgres("ncy8", "REVOKE CREATE ON SCHEMA public FROM svc_ncy8"),
    );
    expect(titles(found)).toEqual(["create a table", "create a table in schema public", "create a function"]);
  });

  it("a superuser may do all of it, and still nothing of it happens", async () => {
    const found = await violationsWith(
      "ncy8",
      sql("ALTER ROLE svc_ncy8 SUPERUSER"),
      sql("ALTER ROLE svc_ncy8 NOSUPERUSER"),
    );
    expect(found.filter(({ outcome }) => outcome === "unclear")).toEqual([]);
    expect(titles(found)).toEqual(
      expect.arrayContaining([
        "create a role",
        "create a database",
        "change the server's settings",
        "run a program on the host",
        "read a file of the host by pg_read_file",
        "read password verifiers in pg_authid",
        "import a file of the host as a large object",
        "create extension file_fdw",
        "grant the right to read files",
        "let others into its database",
        "grant on database postgres",
      ]),
    );
    expect(await postgres("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'estate%'")).toBe(
      "",
    );
    expect(await postgres("ncy8", "SELECT extname FROM pg_extension WHERE extname ~ 'fdw|dblink'")).toBe("");
    expect(await postgres("ncy8", "SELECT count(*) FROM pg_largeobject_metadata")).toBe("0\n");
  });

  it("a right that is missing", async () => {
    const found = await violationsWith(
      "mo_grafana",
      () => postgres("mo_grafana", "REVOKE CREATE ON SCHEMA public FROM pg_database_owner"),
      () => postgres("mo_grafana", "GRANT CREATE ON SCHEMA public TO pg_database_owner"),
    );
    expect(found.map(({ title, outcome }) => [title, outcome])).toEqual([
      ["create, fill, read, change and drop a table of its own", "refused"],
      ["create a view", "refused"],
    ]);
  });
});

describe("MariaDB: a guard removed by hand is named", () => {
  const sql = (text: string) => () => mariadb("mariadb", text);

  it("the server's own tables", async () => {
    const found = await violationsWith(
      "mo_hooks",
      sql(`GRANT SELECT ON mysql.* TO ${hooks}`),
      sql(`REVOKE SELECT ON mysql.* FROM ${hooks}`),
    );
    expect(titles(found)).toEqual([
      "open database mysql",
      "see other databases",
      "read password hashes in mysql.user",
      "read password hashes in mysql.global_priv",
      "hold rights on a database that are not declared",
    ]);
  });

  it("a database of another service, by a name with a wildcard in it", async () => {
    const found = await violationsWith(
      "mo_hooks",
      sql(`GRANT SELECT ON \`mo_gam%\`.* TO ${hooks}`),
      sql(`REVOKE SELECT ON \`mo_gam%\`.* FROM ${hooks}`),
    );
    expect(titles(found)).toEqual([
      "open database mo_games",
      "read tables of mo_games",
      "see other databases",
      "hold rights on a database that are not declared",
    ]);
  });

  it("everything: each probe is let past, and still nothing of it happens", async () => {
    const found = await violationsWith(
      "mo_hooks",
      sql(`GRANT ALL PRIVILEGES ON *.* TO ${hooks} WITH GRANT OPTION`),
      sql(`REVOKE ALL PRIVILEGES ON *.* FROM ${hooks}; REVOKE GRANT OPTION ON *.* FROM ${hooks}`),
    );
    expect(found.filter(({ outcome }) => outcome === "unclear")).toEqual([]);
    expect(titles(found)).toEqual(
      expect.arrayContaining([
        "create an account",
        "grant on",
        "change the server's settings (SUPER)",
        "read others' statements (PROCESS)",
        "reload the server (RELOAD)",
        "write a file of the host (FILE)",
        "read a file of the host by LOAD_FILE (FILE)",
        "load a library into the server",
        "drop a table",
        "write tables of mo_consent",
        "hold GRANT OPTION",
      ]),
    );
    expect(await mariadb("mariadb", "SELECT User FROM mysql.user WHERE User LIKE 'estate\\_check%'")).toBe(
      "",
    );
  });

  it("rights on all tables, the history of the migrations among them", async () => {
    const found = await violationsWith(
      "mo_hooks",
      sql(`GRANT SELECT, UPDATE ON \`mo\\_hooks\`.* TO ${hooks}`),
      sql(`REVOKE SELECT, UPDATE ON \`mo\\_hooks\`.* FROM ${hooks}`),
    );
    expect(titles(found)).toEqual([
      "read the history of its migrations",
      "change the history of its migrations",
      "hold rights on a database that are not declared",
    ]);
  });

  it("a right that is missing", async () => {
    const grant = (verb: string, to: string) => sql(`${verb} INSERT ON mo_hooks.webhook_logs ${to} ${hooks}`);
    const found = await violationsWith("mo_hooks", grant("REVOKE", "FROM"), grant("GRANT", "TO"));
    expect(found.map(({ title, code }) => [title, code])).toEqual([["insert into webhook_logs", "1142"]]);
  });
});

describe("Redis: a guard removed by hand is named", () => {
  let admin: RedisServer;
  beforeAll(async () => {
    admin = await redisAdmin();
  });
  afterAll(() => admin?.close());

  /** Only in the server's memory; its file of users brings back what was there. */
  const withRules = (...rules: string[]) =>
    violationsWith(
      "svc_crm",
      () => admin.call("ACL", "SETUSER", "svc_crm", ...rules),
      () => admin.call("ACL", "LOAD"),
    );

  it("keys of another service", async () => {
    expect(titles(await withRules("~n8n:*"))).toEqual([
      "read keys under n8n:",
      "write keys under n8n:",
      "write keys under n8n: by a script",
    ]);
  });

  it("a login at the instance of another", async () => {
    const other = await redisAdmin("svc_n8n");
    const hash = String(pairs(await admin.call("ACL", "GETUSER", "svc_crm")).passwords);
    const found = await violationsWith(
      "svc_crm",
      () => other.call("ACL", "SETUSER", "svc_crm", "on", `#${hash.split(",")[0]}`),
      () => other.call("ACL", "DELUSER", "svc_crm"),
    ).finally(() => other.close());
    expect(titles(found)).toEqual(["log in to the instance of svc_n8n"]);
  });

  it("every command: each probe is let past, and still nothing of it happens", async () => {
    const found = await withRules("+@all");
    expect(found.filter(({ outcome }) => outcome === "unclear")).toEqual([]);
    expect(titles(found)).toEqual(
      expect.arrayContaining([
        "empty the server (FLUSHALL)",
        "change the server's settings",
        "read the users",
        "change a user",
        "list the admin's connections",
        "load a library of functions, which stays",
        "make the server a copy of another",
      ]),
    );
    expect(String(await admin.call("ACL", "USERS"))).not.toContain("estate-check");
    expect(String(await admin.call("INFO", "replication"))).toContain("role:master");
  });
});

describe("after all of it", () => {
  it("a service that cannot log in fails the run, with the reason", async () => {
    await postgres("postgres", `ALTER ROLE ${slot} NOLOGIN`);
    const { code, report } = await check("mo_grafana").finally(() =>
      postgres("postgres", `ALTER ROLE ${slot} LOGIN`),
    );
    expect(code).toBe(1);
    expect(report.results[0]).toMatchObject({ probes: [], fault: expect.stringContaining("switched off") });
  });

  it("everything is as declared again", async () => {
    const { code, report } = await check();
    expect(report.services).toEqual({ sound: live.services, total: live.services });
    expect(code).toBe(0);
  });
});
