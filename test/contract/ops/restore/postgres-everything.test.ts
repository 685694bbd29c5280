import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import { EVERYTHING } from "../../../support/everything-postgres";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { allOf, asService, makeDatabase } from "../../../support/postgres-service";
import { type RestoreBench, restoreBench } from "../../../support/restoring";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;

describe.each(["16", "17"] as const)("PostgreSQL %s: what an application makes comes back", (version) => {
  let host: PostgresHost;
  let bench: RestoreBench;
  let before: string;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    try {
      const refused: string[] = [];
      for (const statement of EVERYTHING) {
        await session
          .query(statement)
          .catch((error: unknown) => refused.push(`${statement}: ${String(error)}`));
      }
      expect(refused).toEqual([]);
    } finally {
      await session.close();
    }
    before = await allOf(host, entry.name);
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });

  it("in place, into another name; made by the service, compared by an independent dump", async () => {
    const backup = await bench.backUp("20260102T020000Z");
    const session = await asService(host, entry);
    await session.query("DROP SCHEMA own CASCADE").finally(() => session.close());
    const result = await bench.restore({ backup });
    expect(result.fault).toBeUndefined();
    expect((await allOf(host, entry.name)).split("\n")).toEqual(before.split("\n"));
    const again = await asService(host, entry);
    await again.query("ALTER EXTENSION unaccent UPDATE").finally(() => again.close());

    const copied = await bench.restore({ backup, into: "forum_copy" });
    expect(copied.fault).toBeUndefined();
    const bare = ["--no-owner", "--no-privileges", "--no-large-objects"];
    expect(await allOf(host, "forum_copy", ...bare)).toEqual(await allOf(host, entry.name, ...bare));
    expect(await host.sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^estate_restore'")).toBe("0\n");
  });
});
