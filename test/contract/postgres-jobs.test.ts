import { afterAll, beforeAll, expect, test } from "vitest";
import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import { type JobsInputs, postgresJobs } from "../../provider/kinds/postgres-jobs";
import type { Properties } from "../../provider/wire/kind";
import { type Driven, type PostgresBench, postgresBench } from "../support/postgres-kinds";

let bench: PostgresBench;
let admin: PostgresConnection;
let shop: PostgresConnection;
let jobs: Driven<JobsInputs>;

// As components/plans/postgres-config.ts has them; pg_cron is a package of Debian's.
beforeAll(async () => {
  bench = await postgresBench("17", {
    packages: ["postgresql-17-cron"],
    settings: {
      shared_preload_libraries: "pg_stat_statements,pg_cron",
      "cron.database_name": "postgres",
      "cron.use_background_workers": "on",
    },
  });
  const { engine } = bench;
  jobs = bench.drive(postgresJobs);
  admin = await connectPostgres(engine, engine, engine.admin);
  await admin.query("CREATE ROLE shop_owner");
  await admin.query("CREATE DATABASE shop OWNER shop_owner");
  shop = await connectPostgres(engine, engine, { ...engine.admin, database: "shop" });
  await shop.query("SET ROLE shop_owner");
  await shop.query("CREATE SCHEMA internal");
  await shop.query("CREATE TABLE internal.runs (worked_as text)");
  await shop.query(
    "CREATE FUNCTION internal.note() RETURNS void LANGUAGE sql AS 'INSERT INTO internal.runs VALUES (current_user)'",
  );
});
afterAll(async () => {
  for (const each of [admin, shop]) await each?.close();
  await bench?.stop();
});

const declared: JobsInputs = {
  jobs: { "shop/note": { schedule: "* * * * *", runAs: "shop_owner", call: "internal.note()" } },
};
const names = async () =>
  (await admin.query("SELECT jobname FROM cron.job ORDER BY jobname")).map(({ jobname }) => jobname);

test("nothing is there before the extension is", async () => {
  expect(await jobs.read("jobs", declared)).toBeUndefined();
});

test("jobs are scheduled once, and pg_cron's own record of runs is kept short", async () => {
  const state = await jobs.create(declared);
  expect(await jobs.read("jobs", state)).toEqual(declared);
  await jobs.create(declared);
  expect(await names()).toEqual(["postgres/forget_runs", "shop/note"]);
});

test("a job works in its database, as the owner and not as the admin", async () => {
  // The same command at a pace that a test can wait for.
  await admin.query(
    "SELECT cron.schedule_in_database('soon', '1 second', (SELECT command FROM cron.job WHERE jobname = 'shop/note'), 'shop')",
  );
  let rows: unknown[] = [];
  for (let attempt = 0; attempt < 100 && rows.length === 0; attempt++) {
    rows = await shop.query("SELECT DISTINCT worked_as FROM internal.runs");
    await new Promise((next) => setTimeout(next, 100));
  }
  await admin.query("SELECT cron.unschedule('soon')");
  expect(rows).toEqual([{ worked_as: "shop_owner" }]);
});

test.each<[string, string, Record<string, object | undefined>]>([
  [
    "another schedule",
    "SELECT cron.alter_job(jobid, schedule := '0 0 1 1 *') FROM cron.job WHERE jobname = 'shop/note'",
    { "shop/note": { ...declared.jobs["shop/note"], schedule: "0 0 1 1 *" } },
  ],
  [
    "another command, as the admin",
    "SELECT cron.alter_job(jobid, command := 'SELECT 1') FROM cron.job WHERE jobname = 'shop/note'",
    { "shop/note": { schedule: "* * * * *", runAs: "admin", call: "SELECT 1" } },
  ],
  [
    "switched off",
    "SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'shop/note'",
    { "shop/note": { ...declared.jobs["shop/note"], call: "internal.note(), switched off" } },
  ],
  ["gone", "SELECT cron.unschedule('shop/note')", { "shop/note": undefined }],
  [
    "a back door",
    "SELECT cron.schedule('back door', '* * * * *', 'ALTER ROLE shop_owner LOGIN')",
    {
      "back door": {
        schedule: "* * * * *",
        runAs: "admin",
        call: "ALTER ROLE shop_owner LOGIN, in database postgres",
      },
    },
  ],
  [
    "no end to the record of runs",
    "SELECT cron.unschedule('postgres/forget_runs')",
    { "postgres/forget_runs": { schedule: "none", runAs: "admin", call: "missing" } },
  ],
])("drift is seen and mended: %s", async (_what, byHand, differing) => {
  const state = await jobs.create(declared);
  await admin.query(byHand);
  const drifted = await jobs.read("jobs", state);
  expect(drifted?.jobs).toEqual(
    Object.fromEntries(
      Object.entries({ ...declared.jobs, ...differing }).filter(([, job]) => job !== undefined),
    ),
  );
  await jobs.update("jobs", drifted ?? state, declared);
  expect(await jobs.read("jobs", state)).toEqual(declared);
  expect(await names()).toEqual(["postgres/forget_runs", "shop/note"]);
});

test("what is no call of one function, or no schedule, is refused, all faults at once", () => {
  const { failures } = postgresJobs.check(
    {
      jobs: {
        stray: { schedule: "hourly", runAs: "shop_owner", call: "internal.note(); DROP TABLE x" },
      },
    } as Properties,
    undefined,
    { urn: "" },
  );
  expect(failures.map(({ reason }) => reason).join("\n")).toMatch(
    /"stray" must be named[\s\S]*"stray": schedule[\s\S]*"stray": call/,
  );
});

test("deleting leaves no job behind", async () => {
  const state = await jobs.create(declared);
  await jobs.delete("jobs", state);
  expect(await names()).toEqual([]);
});

test("a server without pg_cron: what to install and to set", async () => {
  const bare = await postgresBench("16");
  try {
    await expect(bare.drive(postgresJobs).create(declared)).rejects.toThrow(/shared_preload_libraries/);
  } finally {
    await bare.stop();
  }
});
