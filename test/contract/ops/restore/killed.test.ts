import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MariadbConnection } from "../../../../connect/mariadb";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { type MariadbEngine, startMariadb } from "../../../support/engines-mariadb";
import {
  asAdmin,
  asService as asMariadbService,
  makeDatabase as makeMariadb,
  makeService,
  mariadbEntry,
} from "../../../support/mariadb-service";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { allOf, asService, makeDatabase } from "../../../support/postgres-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";

/** Processes that this test has started, by way of others too, whose command has these words. */
function descendants(words: string): number[] {
  const parents = new Map<number, number>();
  for (const pid of readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const ours = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === process.pid || (parent !== undefined && parent > 1 && ours(parent));
  };
  return [...parents.keys()].filter((pid) => {
    try {
      return ours(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(words);
    } catch {
      return false;
    }
  });
}

/** Kills what loads, and the shell that it was started by, as soon as `begun` says that rows are coming in. */
async function killAmid(client: string, begun: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300 && !(await begun()); attempt++) await sleep(100);
  const load = [...descendants("\nload "), ...descendants(client)];
  expect(load.length).toBeGreaterThan(0);
  for (const pid of load) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Its parent took it along.
    }
  }
}

describe.each(["16", "17"] as const)("PostgreSQL %s: a restore that is killed amid its load", (version) => {
  const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
  let host: PostgresHost;
  let bench: RestoreBench;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    for (const statement of [
      // A load that takes its time, and an extension of the service's own in a version that is not the server's.
      "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE sql AS 'SELECT pg_catalog.pg_sleep(0.1) IS NOT NULL'",
      "CREATE TABLE t (a int CHECK (slow(a)))",
      "INSERT INTO t SELECT generate_series(1, 30)",
      "CREATE EXTENSION citext SCHEMA public VERSION '1.4'",
    ])
      await session.query(statement);
    await session.close();
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });

  it("leaves the live database as it was and in use; the next one works and leaves nothing behind", async () => {
    const backup = await bench.backUp("20260101T020000Z");
    const session = await asService(host, entry);
    await session.query("INSERT INTO t VALUES (99)");
    const before = await allOf(host, entry.name);
    // The operator's side is gone too: nobody clears up.
    bench.host.breakAt("drop_scratch");
    const restoring = bench.restore({ backup });
    await killAmid("pg_restore", async () => {
      const rows = await host.sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY public.t'");
      return Number(rows) > 0;
    });
    expect((await restoring).fault).toMatchObject({ live: "untouched" });
    bench.host.breakAt(undefined);
    expect(await host.sql("SELECT count(*) FROM pg_database WHERE datname ~ '__restoring$'")).toBe("1\n");
    expect(await session.query("SELECT a FROM t WHERE a = 99")).toEqual([{ a: 99 }]);
    expect(await allOf(host, entry.name)).toBe(before);
    await session.close();

    expect((await bench.restore({ backup })).fault).toBeUndefined();
    expect(await host.sql("SELECT count(*), max(a) FROM t", entry.name)).toBe("30|30\n");
    expect(await host.sql("SELECT count(*) FROM pg_database WHERE datname ~ '__restoring$'")).toBe("0\n");
    expect(await host.sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^estate_restore'")).toBe("0\n");
  }, 120_000);

  it("an extension that the service made is its own again, in the server's version, which was said when it was saved", async () => {
    const { notes = [] } = await bench.host.backUp(entry.name, bench.store.recipient);
    const found = await host.sql(
      "SELECT extversion = default_version, pg_get_userbyid(extowner) FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extname = 'citext'",
      entry.name,
    );
    expect(found).toBe(`t|${entry.owner}\n`);
    expect(notes.join()).not.toContain("extension citext");
    const session = await asService(host, entry);
    for (const statement of ["DROP EXTENSION citext", "CREATE EXTENSION citext SCHEMA public VERSION '1.4'"])
      await session.query(statement);
    await session.close();
    const again = await bench.host.backUp(entry.name, bench.store.recipient);
    expect(again.notes?.join()).toMatch(
      /extension citext is of version 1\.4 and comes back as the server's own, 1\.\d/,
    );
  }, 120_000);
});

describe("MariaDB: a restore that is killed amid its load", () => {
  const games = mariadbEntry("mo_games");
  let engine: MariadbEngine;
  let bench: RestoreBench;
  let admin: MariadbConnection;
  let service: MariadbConnection;
  const count = async (sql: string) => Number(Object.values((await admin.query(sql))[0] ?? {})[0]);

  beforeAll(async () => {
    engine = await startMariadb("11.8");
    bench = await restoreBench(games.name, { name: "mariadb", kind: "mariadb", engine, version: "11.8" });
    admin = await asAdmin(engine);
    await makeMariadb(admin, games);
    await makeService(admin, games);
    service = await asMariadbService(engine, games);
    await service.query("CREATE TABLE t (a int PRIMARY KEY, b text)");
    await service.query("INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_300000");
  });
  afterAll(async () => {
    await service?.close();
    await admin?.close();
    await bench?.stop();
    await engine?.stop();
  });

  it("leaves the live database as it was and in use; the next one works and leaves nothing behind", async () => {
    const backup = await bench.backUp("20260101T020000Z");
    await service.query("INSERT INTO t VALUES (999999, 'later')");
    bench.host.breakAt("drop_scratch");
    const restoring = bench.restore({ backup });
    const scratch =
      "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'mo\\_games\\_\\_restoring'";
    await killAmid("--sandbox --binary-mode", async () => (await count(scratch)) > 0);
    expect((await restoring).fault).toMatchObject({ live: "untouched" });
    bench.host.breakAt(undefined);
    expect(await service.query("SELECT b FROM t WHERE a = 999999")).toEqual([{ b: "later" }]);
    expect(await count(`SELECT COUNT(*) FROM ${games.name}.t`)).toBe(300_001);
    expect(await count(scratch)).toBe(1);

    expect((await bench.restore({ backup })).fault).toBeUndefined();
    expect(await count(`SELECT COUNT(*) FROM ${games.name}.t`)).toBe(300_000);
    expect(
      await count("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE '%restoring%'"),
    ).toBe(0);
    expect(await count("SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'estate-restore'")).toBe(0);
  }, 120_000);
});
