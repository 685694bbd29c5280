import { describe, expect, it } from "vitest";
import { redisUsers } from "../../../../estate/catalogue";
import { mariadbProbes } from "../../../../ops/privileges/mariadb-probes";
import { type PostgresSubject, postgresProbes } from "../../../../ops/privileges/postgres-probes";
import { redisProbes } from "../../../../ops/privileges/redis-probes";
import { mcpPortal } from "../../../support/declared";

const postgres = (changes: Partial<PostgresSubject> = {}): PostgresSubject => ({
  database: "ncy8",
  slot: "svc_ncy8_a",
  service: "svc_ncy8",
  owner: "ncy8_owner",
  profile: "program",
  extensions: ["pgcrypto"],
  otherDatabases: ["postgres", "template1", "mo_idp"],
  otherServices: ["svc_idp"],
  admin: "estate_admin",
  tables: [{ schema: "public", table: 'odd"name', column: "id" }],
  ...changes,
});
const mariadb = (owner: "application" | "program") =>
  mariadbProbes({
    entry: { name: "mo_hooks", schema: { owner, reason: "test" } },
    grants: [],
    otherDatabases: ["mo_crm"],
    provisioned: true,
    scratch: "estate_check_0123456789ab",
    tables: [],
  });
const portalTables = ["users", "audit_logs", "unheard_of"].map((table) => ({
  schema: "public",
  table,
  column: "id",
}));
const byTitle = <T extends { title: string }>(probes: T[], title: string) => {
  const found = probes.find((probe) => probe.title === title);
  if (!found) throw new Error(`no probe "${title}"`);
  return found;
};

describe("the lists of probes", () => {
  it.each([
    ["PostgreSQL, program", postgresProbes(postgres())],
    ["PostgreSQL, row security", postgresProbes(postgres({ tables: portalTables, rowSecurity: mcpPortal }))],
    ["PostgreSQL, application", postgresProbes(postgres({ profile: "application" }))],
    ["MariaDB, program", mariadb("program")],
    ["MariaDB, application", mariadb("application")],
    [
      "Redis",
      redisProbes({
        user: "svc_crm",
        keyPrefix: "crm:",
        use: "cache",
        otherPrefixes: ["n8n:", ""],
        scratch: "x",
      }),
    ],
  ])("%s: every title is there once, and every probe knows a refusal", (_list, probes) => {
    const titles = probes.map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
    for (const { refusedBy, letPastBy = [] } of probes) {
      expect(refusedBy.length).toBeGreaterThan(0);
      expect(letPastBy.filter((code) => refusedBy.includes(code))).toEqual([]);
    }
  });

  it("what a profile may decides what must work and what must not", () => {
    const title = "create a temporary table";
    expect(byTitle(postgresProbes(postgres()), title).expected).toBe("refused");
    expect(byTitle(postgresProbes(postgres({ profile: "application" })), title).expected).toBe("allowed");
    expect(byTitle(mariadb("program"), title).expected).toBe("refused");
    expect(byTitle(mariadb("application"), title).expected).toBe("allowed");
  });
});

describe("PostgreSQL", () => {
  it("quotes the names it finds", () => {
    expect(byTitle(postgresProbes(postgres()), 'drop public.odd"name').statements).toEqual([
      'DROP TABLE "public"."odd""name" CASCADE',
    ]);
  });

  it("holds the service to the rows that are declared for it", () => {
    const probes = postgresProbes(postgres({ tables: portalTables, rowSecurity: mcpPortal }));
    const of = (table: string) =>
      ["read", "insert into", "update", "delete from"].map(
        (what) => byTitle(probes, `${what} public.${table}`).expected,
      );
    expect(of("users")).toEqual(["allowed", "refused", "allowed", "refused"]);
    expect(of("audit_logs")).toEqual(["refused", "refused", "refused", "refused"]);
    expect(of("unheard_of")).toEqual(["refused", "refused", "refused", "refused"]);
    // Of a column that may be changed, and not of the first there is.
    expect(byTitle(probes, "update public.users").statements).toEqual([
      'UPDATE "public"."users" SET "last_login_at" = DEFAULT WHERE false',
    ]);
    expect(byTitle(probes, "take mcp_portal_admin for a transaction").expected).toBe("allowed");
    expect(byTitle(probes, "be a member of any role but its service").statements[0]).toContain(
      "'mcp_portal_admin'",
    );
    expect(byTitle(probes, "see a row as svc_mcp_portal without a context").findings).toBe(true);
  });

  it("runs outside of a transaction only what cannot succeed", () => {
    const outside = postgresProbes(postgres()).filter(({ withoutTransaction }) => withoutTransaction);
    expect(outside.map(({ title }) => title)).toEqual(["create a database", "change the server's settings"]);
    for (const { letPastBy } of outside) expect(letPastBy).toHaveLength(1);
  });

  it("tries every other role, the admin and the superuser", () => {
    const titles = postgresProbes(postgres()).map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining(["work as svc_idp", "work as estate_admin", "work as postgres"]),
    );
  });
});

describe("MariaDB", () => {
  it("creates nothing as a service without DDL, and cleans up after one with", () => {
    const creates = (owner: "application" | "program") =>
      mariadb(owner).filter(({ statements }) =>
        statements.some((sql) => /^CREATE( TEMPORARY)? (TABLE|VIEW)/.test(sql)),
      );
    for (const { statements } of creates("program"))
      expect(statements.join()).toContain("estate_check_absent");
    expect(creates("application").length).toBeGreaterThan(0);
    for (const { cleanup = [] } of creates("application")) expect(cleanup.join()).toContain("DROP");
  });

  it("grants nothing new even where it may: to itself, on the pattern it has", () => {
    expect(byTitle(mariadb("program"), "grant on").statements).toEqual([
      "GRANT SELECT ON `mo\\_hooks`.* TO CURRENT_USER()",
    ]);
  });

  it("never runs what ends the server", () => {
    for (const { statements } of mariadb("application"))
      expect(statements.join()).not.toMatch(/^(SHUTDOWN|KILL)/m);
  });
});

describe("Redis", () => {
  it("tries the keys of every other service, and of nobody", () => {
    const otherPrefixes = [...redisUsers.slice(1).map(({ keyPrefix }) => keyPrefix), ""];
    const probes = redisProbes({
      user: "svc_main",
      keyPrefix: "main:",
      use: "cache",
      otherPrefixes,
      scratch: "x",
    });
    expect(probes.filter(({ title }) => title.startsWith("read keys"))).toHaveLength(redisUsers.length);
    const writes = probes.filter(({ title }) => /^write keys .*[^t]$/.test(title));
    for (const { commands } of writes) expect(commands.flat()).toContain("XX");
  });

  it("a cache may be emptied by its service, a queue may not; neither is by the probe", () => {
    const flush = (use: "cache" | "queue") =>
      redisProbes({ user: "svc_n8n", keyPrefix: "n8n:", use, otherPrefixes: [], scratch: "x" }).filter(
        ({ commands }) => commands[0]?.[0] === "FLUSHDB",
      );
    expect(flush("cache").map(({ expected }) => expected)).toEqual(["allowed"]);
    expect(flush("queue").map(({ expected }) => expected)).toEqual(["refused"]);
    for (const { commands } of [...flush("cache"), ...flush("queue")]) expect(commands[0]).toHaveLength(2);
  });
});
