import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exclusive } from "../../provider/kinds/postgres/queue";
import { postgresAccess } from "../../provider/kinds/postgres-access";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { type PostgresBench, postgresBench } from "../support/postgres-kinds";

const minutes = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(["16", "17"] as const)("changes side by side on PostgreSQL %s", (version) => {
  let bench: PostgresBench;
  const password = "a-password-of-enough-characters";
  const signal = new AbortController().signal;

  beforeAll(async () => {
    bench = await postgresBench(version);
    for (const role of ["owner_x", "svc_x", "mallory"]) await bench.sql(`CREATE ROLE ${role}`);
  }, 5 * minutes);
  afterAll(() => bench?.stop(), minutes);

  test("one at a time, in one process and between several", async () => {
    const other = bench.serverAs(bench.engine.admin.user, bench.engine.admin.password);
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await pause(60);
      running--;
    };
    const servers = [bench.server, other, bench.server, other];
    await Promise.all(servers.map((server) => exclusive(server, signal, work)));
    expect(most).toBe(1);
  });

  test("a failure does not hold up what follows; a cancelled run starts nothing", async () => {
    const failing = exclusive(bench.server, signal, () => Promise.reject(new Error("no")));
    const following = exclusive(bench.server, signal, () => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("no");
    expect(await following).toBe("done");
    const cancelled = exclusive(bench.server, AbortSignal.abort(), () => Promise.resolve("started"));
    await expect(cancelled).rejects.toThrow(/abort/i);
    expect(await bench.sql("SELECT * FROM pg_locks WHERE locktype = 'advisory'")).toEqual([]);
  });

  test("what others change at the same moment is waited out and mended", async () => {
    await bench.sql("CREATE DATABASE shop OWNER owner_x");
    const access = bench.drive(postgresAccess);
    const others = bench.sql("BEGIN; GRANT TEMP ON DATABASE shop TO mallory; SELECT pg_sleep(0.7); COMMIT");
    await pause(300);
    const state = await access.create({ database: "shop", grants: { "svc_x on database": ["CONNECT"] } });
    await others;
    // Nothing else would do: the collision must have happened, or this proves nothing.
    expect(bench.engine.log()).toMatch(/tuple concurrently updated/);
    expect(await access.read("shop", state)).toEqual(state);
  });

  test("twenty logins and eight databases at once", async () => {
    const databases = Array.from({ length: 8 }, (_, index) => `many_${index}`);
    const roles = Array.from({ length: 20 }, (_, index) => `svc_many_${index}`);
    for (const database of databases) await bench.sql(`CREATE DATABASE ${database} OWNER owner_x`);
    for (const role of roles) await bench.sql(`CREATE ROLE ${role}`);
    const [access, login] = [bench.drive(postgresAccess), bench.drive(postgresLogin)];
    const grants = { "svc_x on database": ["CONNECT"], "svc_x on tables in public": ["SELECT"] };
    const defaultGrants = { "svc_x on tables by owner_x in public": ["SELECT"] };
    const declared = (database: string) => ({ database, owners: ["owner_x"], grants, defaultGrants });
    const accesses = databases.map((database) => access.create(declared(database)));
    const logins = roles.map((role) => login.create({ worksAs: role, password, connectionLimit: 5 }));
    for (const state of await Promise.all(accesses))
      expect(await access.read(state.database, state)).toEqual(state);
    const states = await Promise.all(logins);
    for (const state of states) expect(await login.read(state.worksAs, state)).toEqual(state);
    await Promise.all(states.map((state) => login.delete(state.worksAs, state)));
    expect(await bench.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'svc_many\\_%\\__'")).toEqual([]);
  });
});
