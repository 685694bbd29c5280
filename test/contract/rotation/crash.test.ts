import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Login, SERVERS, type Server, SmallStack, use } from "./small-stack";

/** More steps than any rotation of three services has. */
const MOST_RUNS = 60;

describe("an engine that is killed after every step of a rotation", { timeout: 900_000 }, () => {
  const stack = new SmallStack();
  let killed = 0;

  beforeAll(() => stack.start());
  afterAll(() => stack.stop());

  const published = () =>
    Object.fromEntries(SERVERS.map((server) => [server, stack.published(server)])) as Record<Server, Login>;
  const everyoneLogsIn = async (logins: Record<Server, Login>) => {
    for (const server of SERVERS) await use(server, logins[server]);
  };
  const succeeds = async (clock: string) => {
    const { code, output } = await stack.up(clock);
    expect(code, output).toBe(0);
  };

  /** Runs until there is nothing left to do; every run is killed, alternately after its first step and amid its second. */
  const killAtEveryStep = async (clock: string) => {
    for (let count = 0; count < MOST_RUNS; count++) {
      if (await stack.killedAfterAStep(clock, count % 2 === 1, 1 + Math.floor(count / 8))) return;
      killed++;
      await everyoneLogsIn(published());
    }
    throw new Error(`not done after ${MOST_RUNS} runs`);
  };

  it("begins with a password each, and shows no change until it is due", async () => {
    await succeeds("2026-03-01");
    await everyoneLogsIn(published());
    expect(await stack.changes("2026-03-01")).toBe(false);
    expect(await stack.changes("2026-03-31")).toBe(true);
  });

  it("has at every moment a published password that logs in, and the next runs converge", async () => {
    const before = published();
    await killAtEveryStep("2026-04-01");
    // Generate, write, publish, on three servers, and the schedule.
    expect(killed).toBeGreaterThanOrEqual(10);
    await succeeds("2026-04-01");
    expect(await stack.changes("2026-04-01")).toBe(false);
    const after = published();
    for (const server of SERVERS) expect(after[server].password).not.toBe(before[server].password);
    await everyoneLogsIn(before);
    await everyoneLogsIn(after);
    expect(Object.values(await stack.rotations()).map(({ generation }) => generation)).toEqual([2, 2, 2]);

    killed = 0;
    await killAtEveryStep("2026-04-08");
    expect(killed).toBeGreaterThanOrEqual(3);
    await succeeds("2026-04-08");
    await everyoneLogsIn(after);
    for (const server of SERVERS) await expect(use(server, before[server]), server).rejects.toThrow();
    expect(Object.values(await stack.rotations()).map(({ formerValid }) => formerValid)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("does not go back with the clock", async () => {
    const before = published();
    expect(await stack.changes("2026-03-01")).toBe(false);
    await succeeds("2026-03-01");
    expect(published()).toEqual(before);
    await everyoneLogsIn(before);
  });

  it("after a leak refuses the old one in the same run, and touches no other service", async () => {
    const before = published();
    stack.force("mo_idp", "2026-03-01T10:00:00Z");
    await succeeds("2026-03-01");
    const after = published();
    expect([after.mariadb, after.redis]).toEqual([before.mariadb, before.redis]);
    await everyoneLogsIn(after);
    await expect(use("postgres", before.postgres)).rejects.toThrow(/password authentication failed/);
    expect((await stack.rotations()).mo_idp).toMatchObject({
      generation: 3,
      leaked: true,
      formerValid: false,
    });
    expect(await stack.changes("2026-03-01")).toBe(false);
  });
});
