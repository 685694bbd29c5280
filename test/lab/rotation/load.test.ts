import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { loadStackConfig } from "../../../estate/load";
import type { RotationOutput } from "../../../estate/outputs";
import { addDays, type Day, dayOf } from "../../../estate/rotation";
import type { Target } from "../../../ops/reach/targets";
import { findLeaks } from "../../support/leak";
import { Load, type LoadReport } from "../../support/load/load";
import { isRefusal, openSession } from "../../support/load/sessions";
import { renderTimes, timesOf } from "../../support/load/times";
import { pulumi } from "../../support/project";
import { publishedLogins } from "../../support/published-logins";
import { putDaysBack, rotations } from "../../support/rotation-days";
import { type Finished, projectDirectory, run } from "../../support/run";
import { commandWith } from "../../support/workflows";

const QUERIES = 100_000;
const minutes = 60_000;
const names = [...databases, ...redisUsers].map(({ name }) => name).sort();

/** What the workflow `rotate` runs every night; nothing but the day differs. */
async function nightlyRunOn(day: Day): Promise<Finished> {
  const command = commandWith("up", "make ");
  const finished = await run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", command], {
    env: { TARGET: "rotate", STACK: "local", ESTATE_CLOCK: day },
  });
  expect(finished.code, finished.output).toBe(0);
  return finished;
}

async function upOn(day: Day): Promise<Finished> {
  const finished = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"], {
    env: { ESTATE_CLOCK: day },
  });
  expect(finished.code, finished.output).toBe(0);
  return finished;
}

/** undefined: the days are those of today already. */
async function backToToday(): Promise<Finished | undefined> {
  const today = dayOf(Date.now());
  return (await putDaysBack(today)) ? upOn(today) : undefined;
}

/** Who can no longer log in by this. */
async function refused(logins: ReadonlyMap<string, Target>): Promise<string[]> {
  const tries = [...logins].map(async ([name, login]) => {
    try {
      const session = await openSession(login);
      await session.close();
      return [];
    } catch (error) {
      if (isRefusal(error)) return [name];
      throw error;
    }
  });
  return (await Promise.all(tries)).flat().sort();
}

describe("the whole estate rotates while every service works", () => {
  const { graceDays } = loadStackConfig("local", projectDirectory).rotation;
  let load: Load;
  let report: LoadReport;
  let old: Map<string, Target>;
  let renewed: Map<string, Target>;
  let before: Record<string, RotationOutput>;
  let due: Day;

  beforeAll(async () => {
    old = await publishedLogins();
    before = await rotations();
    due = Object.values(before)
      .map((rotation) => rotation.due)
      .reduce((one, other) => (one > other ? one : other));
    load = new Load(old, publishedLogins);
    load.start();
    await load.reached(2_000, minutes);
  });

  afterAll(async () => {
    await load?.stop();
    await backToToday();
  });

  it("on the day it is due every password changes, and the old ones go on", async () => {
    const { output } = await nightlyRunOn(due);
    renewed = await publishedLogins();
    const now = await rotations();
    expect(Object.keys(now).sort()).toEqual(names);
    for (const name of names) {
      expect(renewed.get(name)?.password, name).not.toBe(old.get(name)?.password);
      expect(now[name], name).toMatchObject({
        generation: (before[name]?.generation ?? 0) + 1,
        published: due,
        formerValid: true,
      });
    }
    expect(await refused(old)).toEqual([]);
    expect(await refused(renewed)).toEqual([]);
    const passwords = [...old, ...renewed].map(
      ([name, { password }], at) => [`${name} ${at}`, password] as const,
    );
    expect(output).toMatch(
      new RegExp(`^${names.length} passwords on ${due}: 0 overdue, ${names.length} with a former`, "m"),
    );
    expect(findLeaks([{ where: "output of up", text: output }], new Map(passwords))).toEqual([]);
    const times = timesOf(output, names);
    expect([...times.keys()].sort()).toEqual(names);
    console.log(renderTimes(times));
  });

  it("half of the applications take the new ones up at their next deploy", async () => {
    await load.deploy();
    const soFar = load.queries;
    await load.reached(soFar + 5_000, 2 * minutes);
  });

  it("after the grace window the old ones are retired, on PostgreSQL once its window for sessions is over", async () => {
    const { output } = await upOn(addDays(due, graceDays));
    const onMysqlAndRedis = names.filter((name) => old.get(name)?.engine !== "postgres");
    expect(await refused(old)).toEqual(expect.arrayContaining(onMysqlAndRedis));
    expect(output).toMatch(/svc_idp still has \d+ sessions by its former password: it stays valid until/);
    await upOn(addDays(due, 2 * graceDays));
    expect(await refused(old)).toEqual(names);
    expect(await refused(renewed)).toEqual([]);
    expect(Object.values(await rotations()).filter(({ formerValid }) => formerValid)).toEqual([]);
  });

  it(`fails none of ${QUERIES.toLocaleString("en")} queries and more, over pooled and fresh connections`, async () => {
    // Until every session that an old password began was given up, and then to the full number.
    await load.allReadAgain(minutes);
    await load.reached(QUERIES, 4 * minutes);
    report = await load.stop();
    console.log(
      `${report.queries} queries, ${report.logins} logins, ${report.failures.length} failed, ` +
        `${report.lost.length} sessions lost, ${report.readAgain.size} clients read their secret again`,
    );
    expect(report.failures).toEqual([]);
    expect(report.lost).toEqual([]);
    const asking = names.flatMap((name) => [`${name}, fresh, on refusal`, `${name}, pooled, on refusal`]);
    expect([...report.readAgain].sort()).toEqual(asking);
  });

  it("leaves an estate that has nothing to do today", async () => {
    const settled = await backToToday();
    expect(settled?.output).toMatch(/^Resources:\n +\d+ unchanged$/m);
  });
});
