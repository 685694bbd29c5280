import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quote } from "../../../connect/host-script";
import type { MariadbConnection } from "../../../connect/mariadb";
import { databases } from "../../../estate/catalogue";
import type { PostgresEntry } from "../../../estate/types";
import { type MariadbEngine, type MariadbVersion, startMariadb } from "../../support/engines-mariadb";
import { EVERYTHING, REWRITTEN } from "../../support/everything-postgres";
import type { LocalHost } from "../../support/local-host";
import { type MariadbHost, mariadbHost } from "../../support/local-host-mariadb";
import { localPostgresHost } from "../../support/local-host-postgres";
import { BROKEN, everyObject } from "../../support/mariadb-objects";
import {
  asAdmin,
  asService as asMariadbService,
  makeDatabase as makeMariadb,
  makeService,
  mariadbEntry,
} from "../../support/mariadb-service";
import { type PostgresHost, startPostgresHost } from "../../support/postgres-host";
import { asService, makeDatabase } from "../../support/postgres-service";
import { prepareProof, prove, proveCopy } from "../../support/proving";

/** What each engine makes of a dump in its closed place: frame and choice are in proof.test.ts. */

/** Bash of the closed place, once the dump is loaded. */
const afterLoading = (more: string) => `
  eval "$(declare -f proof_load | sed '1s/proof_load/load_it/')"
  proof_load() { load_it "$@"; ${more}; }`;

/** Its faults are who runs the server there, and how many links to a network there are. */
const WHO = `
  eval "$(declare -f proof_counts | sed '1s/proof_counts/count_it/')"
  proof_counts() {
    count_it "$@" | jq --arg links "$(grep -c : /proc/net/dev)" \\
      --arg users "$(for p in /proc/[0-9]*; do ! grep -qaE '(mariadbd|bin/postgres)' $p/cmdline || stat -c %U $p; done | sort -u)" \\
      '.faults = ["\\($users), \\($links) link"]'
  }`;

const DAMAGED = `
  eval "$(declare -f physical_copy | sed '1s/physical_copy/copy_it/')"
  physical_copy() { copy_it | perl -0777 -pe 'substr($_, length($_) / 2, 64) = "x" x 64'; }`;

const games = mariadbEntry("mo_games");
const DATABASE = games.name;

describe.each(["10.11", "11.8"] as const)("a proof of MariaDB %s", (version: MariadbVersion) => {
  let engine: MariadbEngine;
  let host: MariadbHost;
  let admin: MariadbConnection;
  let service: MariadbConnection;

  beforeAll(async () => {
    engine = await startMariadb(version, {
      settings: { "log-bin": "binlog", "log-bin-trust-function-creators": "ON" },
    });
    host = await mariadbHost(engine, "mariadb");
    await prepareProof(host, { engine: "mariadb", port: engine.port, database: DATABASE });
    admin = await asAdmin(engine);
    await makeMariadb(admin, games);
    await makeService(admin, games);
    service = await asMariadbService(engine, games);
    for (const statement of [...everyObject(version), ...BROKEN]) await service.query(statement);
  });
  afterAll(async () => {
    await service?.close();
    await admin?.close();
    await engine?.stop();
    await host?.remove();
  });

  it("holds for everything that an application makes", async () => {
    expect(await prove(host, DATABASE)).toEqual({ ok: true, at: expect.any(String) });
  });

  it("is not troubled by an event whose time is over, which nobody can make again", async () => {
    for (const [name, more] of [
      ["once", ""],
      ["preserved", "ON COMPLETION PRESERVE"],
    ])
      await admin.query(
        `CREATE DEFINER=svc_games@'127.0.0.1' EVENT ${DATABASE}.${name} ON SCHEDULE AT NOW() + INTERVAL 1 SECOND ${more} DO SELECT 1`,
      );
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await prove(host, DATABASE)).toEqual({ ok: true, at: expect.any(String) });
  });

  it("does not hold where anything is missing, other or more, and names it", async () => {
    const changes =
      "DELETE FROM zeros; ALTER TABLE parents ADD COLUMN odd INT; DROP TABLE nothing; DROP VIEW a_on_a";
    expect(await prove(host, DATABASE, afterLoading(`as_loader "$1" <<<${quote(changes)}`))).toMatchObject({
      ok: false,
      words: expect.stringMatching(
        /^table nothing has no rows, the dump has 0; table zeros has 0 rows, the dump has 2; table nothing was not made; table parents is not as in the dump; view a_on_a was not made$/,
      ),
    });
    const more = "CREATE VIEW beside AS SELECT 1";
    expect((await prove(host, DATABASE, afterLoading(`as_loader "$1" <<<${quote(more)}`))).words).toBe(
      "view beside is not in the dump",
    );
  });

  it("is made by a server and clients that are estate-proof's, with nothing to reach", async () => {
    expect((await prove(host, DATABASE, WHO)).words).toBe("estate-proof, 1 link");
  });

  it("verifies a physical copy, and sees a damaged one", async () => {
    expect(await proveCopy(host)).toEqual({ ok: true, at: expect.any(String) });
    expect(await proveCopy(host, DAMAGED)).toMatchObject({ ok: false, words: expect.stringMatching(/./) });
  });
});

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;

describe.each(["16", "17"] as const)("a proof of PostgreSQL %s", (version) => {
  let host: PostgresHost;
  let local: LocalHost;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    local = await localPostgresHost("postgres", host);
    await prepareProof(local, { engine: "postgres", port: host.port, database: entry.name });
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    try {
      for (const statement of [...EVERYTHING, ...REWRITTEN]) await session.query(statement);
    } finally {
      await session.close();
    }
  });
  afterAll(async () => {
    await local?.remove();
    await host?.stop();
  });

  it("holds for everything that an application makes", async () => {
    expect(await prove(local, entry.name)).toEqual({ ok: true, at: expect.any(String) });
  });

  it("does not hold where anything is missing, other or more, and names it", async () => {
    const changes =
      "DELETE FROM counted; ALTER TABLE counted ADD COLUMN odd int; DROP VIEW second_view CASCADE; CREATE VIEW beside AS SELECT 1";
    const { ok, words } = await prove(
      local,
      entry.name,
      afterLoading(`owner_do <<<${quote(`SET search_path = public; ${changes}`)}`),
    );
    expect(ok).toBe(false);
    expect(words).toMatch(/^table public\.counted has 0 rows, the dump has 20; /);
    for (const fault of [
      "TABLE public.counted is not as in the dump",
      "VIEW public.second_view was not made",
      "VIEW public.beside is not in the dump",
    ])
      expect(words).toContain(fault);
  });

  it("is made by a server and clients that are estate-proof's, with nothing to reach", async () => {
    expect((await prove(local, entry.name, WHO)).words).toBe("estate-proof, 1 link");
  });

  it("verifies a physical copy, and sees a damaged one", async () => {
    expect(await proveCopy(local)).toEqual({ ok: true, at: expect.any(String) });
    expect(await proveCopy(local, DAMAGED)).toMatchObject({ ok: false, words: expect.stringMatching(/./) });
  });
});
