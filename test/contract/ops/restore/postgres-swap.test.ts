import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { PostgresEntry } from "../../../../estate/types";
import type { Backup } from "../../../../ops/backup/manifest";
import { RestoreSteps } from "../../../../ops/restore/host";
import { type PostgresHost, startPostgresHost } from "../../../support/postgres-host";
import { allOf, asService, makeDatabase } from "../../../support/postgres-service";
import { randomPostgres } from "../../../support/random-postgres";
import { type RestoreBench, restoreBench } from "../../../support/restoring";
import { succeed } from "../../../support/run";
import { KILLED, onceThrough, sabotaged } from "../../../support/sabotage";
import { Seeded } from "../../../support/seeded";

const entry = databases.find(({ name }) => name === "mo_discourse") as PostgresEntry;
const SEED = Number(process.env.RANDOM_SEEDS?.split(",")[0] ?? 21);

/** The renames were carried out, and their client ended before it had the answer. */
const UNHEARD = `
eval "sabotaged_$(declare -f server_do)"
server_do() {
  sabotaged_server_do "$@"
  case " $* " in *" --single-transaction "*) return 1 ;; esac
}`;

/** The change of places ends somewhere: one of the two is live, and whole, and the service gets in. */
describe.each(["16", "17"] as const)("PostgreSQL %s: a change of places", { timeout: 300_000 }, (version) => {
  let host: PostgresHost;
  let bench: RestoreBench;
  let backup: Backup;
  let saved: string;
  let since: string;

  beforeAll(async () => {
    host = await startPostgresHost(version);
    bench = await restoreBench(entry.name, { name: "postgres", kind: "postgres", engine: host });
    await makeDatabase(host, entry);
    const session = await asService(host, entry);
    for (const statement of randomPostgres(new Seeded(SEED)))
      await session.query(statement).catch(() => undefined);
    await session.query(`CREATE TABLE public."${"ü".repeat(31)}" (a int)`);
    await session.query('CREATE VIEW public."v\n""1.t" AS SELECT 1 AS a');
    backup = await bench.backUp("20260102T020000Z");
    saved = await allOf(host, entry.name);
    await session.query("CREATE TABLE public.later (a int)");
    await session.query('DROP VIEW public."v\n""1.t"');
    await session.close();
    since = await allOf(host, entry.name);
  });
  afterAll(async () => {
    await bench?.stop();
    await host?.stop();
  });

  async function recover(): Promise<string[]> {
    const names = {
      scratch: `${entry.name}__restoring`,
      replaced: `${entry.name}__replaced_20300101t000000z`,
    };
    const steps = new RestoreSteps(await bench.host.open("postgres"), entry, names, host.port);
    return steps.recover().finally(() => steps.close());
  }
  const killed = (bash: string) => {
    bench.host.breakAt("outcome");
    return sabotaged(bench.host, bash, () => bench.restore({ backup })).finally(() =>
      bench.host.breakAt(undefined),
    );
  };
  const databasesLike = (pattern: string) =>
    host.sql(`SELECT datname FROM pg_database WHERE datname ~ '${pattern}'`);
  async function expectLive(what: string) {
    expect((await allOf(host, entry.name)).split("\n")).toEqual(what.split("\n"));
    await (await asService(host, entry)).close();
    expect(await host.sql(`SELECT datconnlimit FROM pg_database WHERE datname = '${entry.name}'`)).toBe(
      `${entry.databaseConnectionLimit}\n`,
    );
  }
  /** Live is what was saved; what was replaced becomes live again, for the next test. */
  async function expectRestored() {
    await expectLive(saved);
    const kept = (await databasesLike("__replaced_")).trim();
    expect(await host.sql("SELECT count(*) FROM later", kept)).toBe("0\n");
    await host.sql(`DROP DATABASE ${kept}`);
    const session = await asService(host, entry);
    await session.query("CREATE TABLE public.later (a int)");
    await session.query('DROP VIEW public."v\n""1.t"');
    await session.close();
    await expectLive(since);
  }

  it("whose client ends before it has the answer is through", async () => {
    expect((await sabotaged(bench.host, UNHEARD, () => bench.restore({ backup }))).fault).toBeUndefined();
    await expectRestored();
  });

  it("that fails leaves live as it was, and open", async () => {
    const failing = onceThrough("end_sessions", "exit 1");
    const result = await sabotaged(bench.host, failing, () => bench.restore({ backup }));
    expect(result.fault?.live).toBe("untouched");
    expect(await databasesLike("__")).toBe("");
    await expectLive(since);
  });

  it("that is killed before its renames is taken back by whatever comes next", async () => {
    const result = await killed(onceThrough("end_sessions", KILLED));
    expect(result.fault).toMatchObject({
      live: "unknown",
      reason: expect.stringMatching(
        /run the restore of mo_discourse again: it first puts right what was left/,
      ),
    });
    const session = asService(host, entry);
    await expect(session).rejects.toThrow();
    expect((await recover()).join()).toMatch(/is what it was/);
    expect(await recover()).toEqual([]);
    await expectLive(since);
  });

  it("that is killed after its renames is finished by whatever comes next", async () => {
    const unheard = await killed(`open_logins() { ${KILLED}; }`);
    expect(unheard.fault, bench.said.join("\n")).toMatchObject({ live: "unknown" });
    const rows = { ...backup.rows, none: 1 };
    // Also by a restore that then fails.
    const result = await bench.restore({ backup: { ...backup, rows } });
    expect(bench.said).toContainEqual(expect.stringContaining("mo_discourse is the restored one"));
    expect(result.fault).toMatchObject({
      live: "untouched",
      reason: expect.stringContaining("none is missing"),
    });
    await expectRestored();
  });

  it("whose server is killed amid it", async () => {
    const reached = 'touch "$state/reached"; until [ -e "$state/go_on" ]; do sleep 0.1; done';
    const [enter = "", ...words] = host.inside;
    const shell = (text: string) => succeed(enter, [...words, "bash", "-c", text]);
    await shell("rm -f /var/lib/estate-restore/go_on /var/lib/estate-restore/reached");
    const restoring = sabotaged(bench.host, onceThrough("end_sessions", reached), () =>
      bench.restore({ backup }),
    );
    await shell("until [ -e /var/lib/estate-restore/reached ]; do sleep 0.1; done");
    const startAgain = await host.crash();
    await shell("touch /var/lib/estate-restore/go_on");
    expect((await restoring).fault).toMatchObject({
      live: "unknown",
      reason: expect.stringMatching(
        /Once the database server of postgres answers .*, run the restore of mo_discourse again/,
      ),
    });
    expect((await bench.restore({ backup })).fault?.live).toBe("unknown");
    await startAgain();
    expect((await recover()).join()).toMatch(/is what it was/);
    await expectLive(since);
    expect((await bench.restore({ backup })).fault).toBeUndefined();
    await expectRestored();
  });
});
