import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mariadbGrants } from "../../../components/plans/privileges";
import type { ConnectionOutput } from "../../../estate/outputs";
import type { DatabaseEntry as Engine, MariadbEntry } from "../../../estate/types";
import { beatInsert, beatQuery } from "../../drill/fill/beats";
import { canaryExpected, canaryQuery } from "../../drill/fill/canary";
import { clean, keepCommand, keptOf, wipe } from "../../drill/fill/clean";
import { fill } from "../../drill/fill/fill";
import { leftovers } from "../../drill/fill/left";
import { type AsService, asServices } from "../../drill/fill/services";
import { rowsOf, type Sql } from "../../drill/hosts";
import { dataFaults } from "../../drill/prove/data";
import { live, onEach, type Servers, takeSnapshot } from "../../drill/servers";
import { rowsIn, snapshotFaults } from "../../drill/snapshot/compare";
import type { Snapshot } from "../../drill/snapshot/types";
import { startMariadb } from "../../support/engines-mariadb";
import type { LocalHost } from "../../support/local-host";
import { localHost } from "../../support/local-server";
import { startProgramDatabases } from "../../support/program-database";
import { succeed } from "../../support/run";
import { socketShim } from "../../support/socket-shim";

interface Bench {
  servers: Servers;
  asService: AsService;
  shell: (text: string) => Promise<string>;
  stop(): Promise<void>;
}

const shellOf = (host: Pick<LocalHost, "directory">, port?: number) => (text: string) =>
  succeed("bash", ["-euo", "pipefail", "-c", text], {
    // The port, where a host of the estate would have the usual one.
    env: {
      PATH: `${path.join(host.directory, "bin")}:${process.env.PATH}`,
      ...(port && { PGPORT: String(port) }),
    },
  });
const client =
  (host: Pick<LocalHost, "directory">, ...words: string[]): Sql =>
  (text) =>
    succeed(path.join(host.directory, "bin", words[0] ?? ""), words.slice(1), { input: text });

const applications = (engine: Engine["engine"]) =>
  live.filter((entry) => entry.engine === engine && entry.schema.owner === "application");

/** As the services log in, with one password for all. */
function servicesOf(
  engine: "mariadb" | "postgres",
  { host, port, caCertificate }: { host: string; port: number; caCertificate: string },
  password: string,
): AsService {
  const login = { server: engine, engine, host, port, password, caCertificate, serverName: "localhost" };
  const connections = applications(engine).map(({ name, service }): [string, ConnectionOutput] => [
    name,
    { ...login, database: name, user: service },
  ]);
  return asServices(Object.fromEntries(connections), {});
}

async function mariadbBench(): Promise<Bench> {
  const engine = await startMariadb("11.8");
  const host = await localHost({ name: "mariadb", kind: "mariadb", engine, version: "11.8" });
  const sql = client(
    host,
    "mariadb",
    "--batch",
    "--raw",
    "--skip-column-names",
    "--default-character-set=utf8mb4",
  );
  for (const { name, schema } of live.filter(({ engine }) => engine === "mariadb")) {
    await sql(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
    if (schema.owner !== "program") continue;
    const up = await shellOf(host)(`cat sql/${name}/*.up.sql`);
    await sql(`USE ${name};\nSET foreign_key_checks = 0;\n${up}`);
  }
  const password = randomBytes(18).toString("hex");
  for (const entry of applications("mariadb")) {
    const account = `'${entry.service}'@'127.0.0.1'`;
    await sql(`CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}'`);
    for (const { database, privileges } of mariadbGrants(entry as MariadbEntry, undefined)) {
      await sql(`GRANT ${privileges.join(", ")} ON \`${database.replaceAll("_", "\\_")}\`.* TO ${account}`);
    }
  }
  const stop = async () => {
    await host.remove();
    await engine.stop();
  };
  const asService = servicesOf("mariadb", engine, password);
  return { servers: () => sql, asService, shell: shellOf(host), stop };
}

async function postgresBench(): Promise<Bench> {
  const programs = ["mcp_portal", "mcp_admin", "ncy8"];
  const started = await startProgramDatabases("17", programs);
  const host = await socketShim(started.bench.engine);
  const words = [
    "psql",
    "-p",
    String(started.bench.engine.port),
    "-X",
    "-q",
    "-A",
    "-t",
    "-F",
    "\t",
    "-v",
    "ON_ERROR_STOP=1",
    "-d",
    "postgres",
  ];
  const sql = client(host, "runuser", "-u", "postgres", "--", ...words);
  await sql("\\connect mcp_portal\nDROP TABLE internal.audit_logs_2026_01");
  for (const name of programs) await sql(`\\connect ${name}\n${EMPTY}`);
  const password = randomBytes(18).toString("hex");
  for (const { name, service } of applications("postgres")) {
    await sql(
      `CREATE ROLE ${service} LOGIN PASSWORD '${password}';\nCREATE DATABASE ${name} OWNER ${service}`,
    );
  }
  const stop = async () => {
    await host.remove();
    await started.stop();
  };
  return {
    servers: () => sql,
    asService: servicesOf("postgres", started.bench.engine, password),
    shell: shellOf(host, started.bench.engine.port),
    stop,
  };
}

/** What the fixtures of a program's database have brought. */
const EMPTY = `SET session_replication_role = replica;
SELECT format('DELETE FROM ONLY %I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname IN ('public', 'internal') \\gexec
`;

describe.each([
  ["mariadb", mariadbBench],
  ["postgres", postgresBench],
] as const)("the drill's rows on %s", (engine, start) => {
  const entries = live.filter((entry) => entry.engine === engine);
  let bench: Bench;
  let before: Snapshot;
  let filled: Snapshot;
  let kept: ReadonlyMap<string, string>;

  beforeAll(async () => {
    bench = await start();
    // What is there already stays: a row of a table that the drill fills, too.
    await bench.servers(engine)(
      engine === "mariadb"
        ? "INSERT INTO mo_hooks.webhook_logs (id, source, event_type, delivery_id, signature_valid, payload) VALUES (77, 'own', 'a\\\\b', '1', 1, '{\"x\":\"(\\'𝄞\"}')"
        : "\\connect ncy8\nINSERT INTO public.permissions (key) VALUES (E'own \\t 𝄞')",
    );
    before = await takeSnapshot(bench.servers, entries);
    const programs = entries.filter(({ schema }) => schema.owner === "program");
    kept = new Map(keptOf(await bench.shell(keepCommand(programs))));
    await fill(bench.servers, bench.asService, entries);
    await onEach(bench.servers, entries, (entry) => beatInsert(entry, 1) + beatInsert(entry, 2));
    filled = await takeSnapshot(bench.servers, entries);
  });
  afterAll(() => bench?.stop());

  it("are a few thousand in each database", () => {
    for (const { name } of entries) {
      const own = new Map([...filled].filter(([table]) => table.startsWith(`${name}.`)));
      expect(rowsIn(own), name).toBeGreaterThan(2000);
    }
  });

  it("hold the canary byte by byte", async () => {
    for (const entry of entries) {
      const query = canaryQuery(entry);
      if (!query) continue;
      const opened = engine === "mariadb" ? query : `\\connect ${entry.name}\n${query};`;
      expect((await bench.servers(engine)(opened)).trim(), entry.name).toBe(canaryExpected(entry));
    }
  });

  it("are sound: sequences before their rows' next, no row without its parent", async () => {
    expect(await dataFaults(bench.servers, entries)).toEqual([]);
  });

  it("have beats in every database, in their order", async () => {
    const beats = rowsOf(await onEach(bench.servers, entries, (entry) => beatQuery(entry)));
    expect(beats.sort()).toEqual(
      entries
        .flatMap(({ name }) => [
          [name, "1"],
          [name, "2"],
        ])
        .sort(),
    );
  });

  it("are found by a drill that comes after one that was cut short, and nothing is before", async () => {
    expect(await leftovers(bench.servers, entries, filled)).toEqual(entries.map(({ name }) => name).sort());
    const silent = async () => "";
    const empty: Servers = () => silent;
    expect(await leftovers(empty, entries, before)).toEqual([]);
  });

  it("tell of one changed byte, one lost row and one lost table", async () => {
    const sql = bench.servers(engine);
    const [at, own] =
      engine === "mariadb" ? ["USE mo_games;\n", "mo_games"] : ["\\connect mo_idp\n", "mo_idp.public"];
    await sql(
      `${at}UPDATE drill_rows SET words = REPLACE(words, 'ü', 'u') WHERE id = 7; DELETE FROM drill_beats WHERE n = 2;`,
    );
    const now = new Map(await takeSnapshot(bench.servers, entries));
    now.delete(`${own}.drill_log`);
    expect(snapshotFaults(now, filled)).toEqual([
      `${own}.drill_beats has 1 rows; it had 2`,
      `${own}.drill_log is missing`,
      `${own}.drill_rows has 3000 rows, but not the same`,
    ]);
  });

  it("tell of rows without a parent and of a sequence behind", async () => {
    const sql = bench.servers(engine);
    if (engine === "mariadb") {
      await sql("USE mo_games; SET foreign_key_checks = 0; DELETE FROM drill_groups WHERE id = 3");
      expect(await dataFaults(bench.servers, entries)).toEqual([
        "mo_games: foreign key drill_rows_group_fkey of drill_rows: 150 rows without a parent",
      ]);
      return;
    }
    await sql(
      "\\connect mo_idp\nSELECT setval('drill_rows_id_seq', 10); UPDATE pg_constraint SET convalidated = false WHERE conname = 'drill_rows_group_id_fkey'",
    );
    expect(await dataFaults(bench.servers, entries)).toEqual([
      "mo_idp: sequence drill_rows_id_seq is behind the rows of drill_rows.id",
      "mo_idp: foreign key drill_rows_group_id_fkey of drill_rows is not valid",
    ]);
  });

  it("can be wiped, where the host itself stays", async () => {
    const entry = entries.find(({ name }) => name === (engine === "mariadb" ? "mo_consent" : "mcp_admin"));
    if (!entry) throw new Error("the catalogue has changed");
    await bench.servers(engine)(wipe(entry, filled));
    expect(rowsIn(await takeSnapshot(bench.servers, [entry]))).toBe(0);
  });

  it("go again without a trace, and what was there before stays", async () => {
    expect(rowsIn(before)).toBeGreaterThan(0);
    expect(await clean(bench.servers, entries, before, kept)).toEqual([]);
  });
});
