import { describe, expect, it, vi } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { renderCheck, renderCheckJson } from "../../../ops/render/check";
import { renderList } from "../../../ops/render/list";
import { startProgress } from "../../../ops/render/progress";
import { reach, recordedIo } from "./support";

const ESCAPE = "\u001b";
const plain = { colour: false };

const results = [
  reach(),
  reach({ name: "mo_n8n", latencyMs: 12.345, loginMs: 102.5 }),
  reach({
    name: "mo_idp",
    server: "postgres",
    host: "postgres.example",
    port: 5432,
    reachable: false,
    version: undefined,
    tlsProtocol: undefined,
    certificateDaysLeft: undefined,
    latencyMs: undefined,
    loginMs: undefined,
    reason: "cannot connect to postgres.example:5432: no answer within 10 s",
  }),
  reach({
    kind: "redis",
    name: "svc_crm",
    server: "redis",
    engine: "redis",
    host: "redis.example",
    port: 6379,
    version: "8.0.2",
  }),
];

describe("estate list", () => {
  it("shows a line for each entry", () => {
    const rows = databases.filter(({ name }) => name === "mo_main" || name === "mo_idp");
    expect(renderList({ databases: rows, redisUsers: redisUsers.slice(0, 1) })).toMatchInlineSnapshot(`
      "name     server    engine    service user  application  limit  schema owner  personal data  backup  secret
      mo_main  plesk     mariadb   svc_main      WordPress       20  application   yes            daily   MO_MAIN_DB_PASS
      mo_idp   postgres  postgres  svc_idp       Keycloak        20  application   yes            daily   PG_IDP_DB_PASS

      redis user  application  purpose                  use    port  memory  keys    secret
      svc_main    WordPress    page cache and sessions  cache  6380    20 %  main:*  REDIS_PASSWORD

      2 databases, 1 redis users
      "
    `);
  });

  it("shows what is retired and does not count it", () => {
    const [first, second] = databases;
    if (!first || !second) throw new Error("the catalogue is empty");
    const text = renderList({ databases: [first, { ...second, state: "retired" }], redisUsers: [] });
    expect(text).toContain(`${second.name} (retired)`);
    expect(text).toContain("1 database, 1 retired, 0 redis users");
  });
});

describe("estate check", () => {
  it("shows what is left of the services' own certificates where any has one, and warns of one that ends", () => {
    const own = [reach({ clientCertificateDaysLeft: 180 }), reach({ name: "mo_n8n" })];
    const text = renderCheck({ stack: "prod", results: own }, plain);
    expect(text).toMatch(/cert days +own cert days/);
    expect(text).toMatch(/^mo_crm .* 300 +180 /m);
    expect(text).toMatch(/^mo_n8n .* 300 +- /m);
    expect(text).not.toContain("warning");
    const ending = renderCheck({ stack: "prod", results: [reach({ clientCertificateDaysLeft: 30 })] }, plain);
    expect(ending).toContain("warning: the client certificate of mo_crm ends in 30 days; run: pulumi up");
    expect(renderCheck({ stack: "prod", results }, plain)).not.toContain("own cert");
  });

  it("shows the table, the failures and the closing line", () => {
    expect(renderCheck({ stack: "prod", results }, plain)).toMatchInlineSnapshot(`
      "database  server    host                   version  tls      cert days  latency ms  login ms  result
      mo_crm    mariadb   mariadb.example:3306   11.8.3   TLSv1.3        300         0.6      14.3  ok
      mo_n8n    mariadb   mariadb.example:3306   11.8.3   TLSv1.3        300        12.3     102.5  ok
      mo_idp    postgres  postgres.example:5432  -        -                -           -         -  FAILED

      redis user  server  host                version  tls      cert days  latency ms  login ms  result
      svc_crm     redis   redis.example:6379  8.0.2    TLSv1.3        300         0.6      14.3  ok

      mo_idp: cannot connect to postgres.example:5432: no answer within 10 s

      2/3 databases reachable, 1/1 redis users reachable
      "
    `);
  });

  it("warns of each server whose certificate ends within 30 days, once, whatever else is well", () => {
    const text = (days: number, server = "mariadb") =>
      renderCheck(
        {
          stack: "prod",
          results: ["mo_crm", "mo_n8n"].map((name) => reach({ name, server, certificateDaysLeft: days })),
        },
        plain,
      );
    expect(text(31)).not.toContain("warning");
    expect(text(30)).toContain(
      "\nwarning: the certificate of mariadb ends in 30 days; run: pulumi up\n\n2/2",
    );
    expect(text(30).match(/warning/g)).toHaveLength(1);
    expect(text(3, "plesk")).toContain("ends in 3 days; renew it on its host, then run: pulumi up\n");
  });

  it("tells one reason once", () => {
    const down = ["mo_crm", "mo_n8n"].map((name) => reach({ name, reachable: false, reason: "server down" }));
    expect(renderCheck({ stack: "prod", results: down }, plain)).toContain("\nmo_crm, mo_n8n: server down\n");
  });

  it("leaves out a kind that was not asked for", () => {
    expect(renderCheck({ stack: "prod", results: [reach()] }, plain)).toMatch(
      /\n1\/1 databases reachable\n$/,
    );
  });

  it("has colours only where they are wanted", () => {
    expect(renderCheck({ stack: "prod", results }, plain)).not.toContain(ESCAPE);
    expect(renderList({ databases, redisUsers })).not.toContain(ESCAPE);
    expect(renderCheck({ stack: "prod", results }, { colour: true })).toContain(
      `${ESCAPE}[31mFAILED${ESCAPE}[39m`,
    );
  });

  it("gives the same as JSON, with counts", () => {
    const report = JSON.parse(renderCheckJson({ stack: "prod", results }));
    expect(report).toMatchObject({
      stack: "prod",
      ok: false,
      databases: { reachable: 2, total: 3 },
      redis: { reachable: 1, total: 1 },
    });
    expect(report.results[1]).toMatchObject({
      name: "mo_n8n",
      certificateDaysLeft: 300,
      latencyMs: 12.35,
      loginMs: 102.5,
      reachable: true,
    });
    expect(report.results[2].reason).toContain("no answer");
  });
});

describe("progress", () => {
  it("is silent for two seconds, then draws one line and takes it away", () => {
    vi.useFakeTimers();
    const io = recordedIo({ liveStderr: true });
    const progress = startProgress(io, "0/20 checked");
    progress.show("5/20 checked");
    vi.advanceTimersByTime(1_999);
    expect(io.stderr).toBe("");
    vi.advanceTimersByTime(1);
    progress.show("9/20 checked");
    progress.end();
    progress.end();
    expect(io.stderr).toBe(`\r${ESCAPE}[K5/20 checked\r${ESCAPE}[K9/20 checked\r${ESCAPE}[K`);
    vi.useRealTimers();
  });

  it("writes nothing where stderr is no terminal", () => {
    vi.useFakeTimers();
    const io = recordedIo();
    const progress = startProgress(io, "0/20 checked");
    vi.advanceTimersByTime(60_000);
    progress.end();
    expect(io.stderr).toBe("");
    vi.useRealTimers();
  });
});
