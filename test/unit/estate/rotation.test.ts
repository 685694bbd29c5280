import { describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { now } from "../../../estate/clock";
import {
  addDays,
  afterRun,
  dayOf,
  daysBetween,
  dueDay,
  type Rotated,
  type RotationPlan,
  rotationFaults,
  rotationPlans,
} from "../../../estate/rotation";
import { live } from "../../support/declared";

const plan: RotationPlan = { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] };
const at = (since: string, generation = 1): Rotated => ({ generation, since, leaked: false, forced: [] });

describe("days", () => {
  it("are UTC, whatever the clocks of a place do", () => {
    expect(dayOf(Date.parse("2026-03-29T00:59:59+02:00"))).toBe("2026-03-28");
    expect(addDays("2026-03-28", 2)).toBe("2026-03-30");
    expect(addDays("2026-10-24", 2)).toBe("2026-10-26");
    expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
    expect(daysBetween("2026-03-01", "2026-04-01")).toBe(31);
    expect(daysBetween("2026-04-01", "2026-03-01")).toBe(-31);
  });

  it("come from the clock, or from the variable that stops it", () => {
    expect(Math.abs(now({}) - Date.now())).toBeLessThan(1000);
    expect(now({ ESTATE_CLOCK: "" })).toBeGreaterThan(0);
    expect(now({ ESTATE_CLOCK: "2026-12-27T00:00:00Z" })).toBe(Date.UTC(2026, 11, 27));
    expect(now({ ESTATE_CLOCK: "2026-12-27" })).toBe(Date.UTC(2026, 11, 27));
    for (const wrong of [
      "tomorrow",
      "2026-13-01",
      "2026-02-30",
      "2026-02-30T00:00:00Z",
      "27.12.2026",
      "1798329600000",
    ]) {
      expect(() => now({ ESTATE_CLOCK: wrong })).toThrow(/ESTATE_CLOCK is .*write a moment as 2026-12-27/);
    }
  });
});

describe("dueDay", () => {
  it.each([
    ["2026-01-01", "2026-04-01"],
    ["2026-03-18", "2026-04-01"],
    // Less than two grace windows before the next period: a day later would be a rotation upon a rotation.
    ["2026-03-19", "2026-04-02"],
    ["2026-03-31", "2026-04-14"],
    ["2026-04-01", "2026-06-30"],
    // Before the anchor, from a clock that went back.
    ["2025-12-01", "2026-01-01"],
  ])("of a password since %s is %s", (since, due) => {
    expect(dueDay(plan, since)).toBe(due);
  });

  it("never lets a password get older than a period", () => {
    for (const [days, graceDays] of [
      [2, 1],
      [14, 7],
      [30, 7],
      [90, 45],
    ] as const) {
      for (let offset = 0; offset < 200; offset++) {
        const since = addDays("2026-01-01", offset);
        const age = daysBetween(since, dueDay({ days, graceDays, anchor: "2026-01-01" }, since));
        expect(age, `${days} days, since ${since}`).toBeLessThanOrEqual(days);
        expect(age).toBeGreaterThanOrEqual(Math.min(days, 2 * graceDays));
      }
    }
  });
});

describe("afterRun", () => {
  it("begins with generation 1, and knows of no rotation that was forced before", () => {
    const forced = ["2026-02-01T00:00:00Z"];
    expect(afterRun({ ...plan, forced }, undefined, "2026-11-21")).toEqual({
      generation: 1,
      since: "2026-11-21",
      leaked: false,
      forced,
    });
  });

  it("changes nothing on the day before, and rotates on the day", () => {
    const before = at("2026-01-01");
    expect(afterRun(plan, before, "2026-03-31")).toBe(before);
    expect(afterRun(plan, before, "2026-04-01")).toEqual(at("2026-04-01", 2));
  });

  it("goes one generation on when the run comes late, however late", () => {
    expect(afterRun(plan, at("2026-01-01", 4), "2027-11-21")).toEqual(at("2027-11-21", 5));
  });

  it("never goes back with the clock", () => {
    const later = at("2026-04-01", 2);
    for (const today of ["2026-03-31", "2026-01-01", "2020-01-01"]) {
      expect(afterRun(plan, later, today)).toBe(later);
    }
  });

  it("a shorter period rotates when its own is over, a longer one later", () => {
    const before = at("2026-04-01");
    expect(afterRun({ ...plan, days: 30 }, before, "2026-05-01")).toEqual(at("2026-05-01", 2));
    expect(afterRun({ ...plan, days: 30 }, before, "2026-04-30")).toBe(before);
    expect(dueDay({ ...plan, days: 30 }, before.since)).toBe("2026-05-01");
  });

  it("a forced rotation happens once, also where the clock went back", () => {
    const forced = ["2026-02-01T10:00:00Z"];
    const leaked = afterRun({ ...plan, forced }, at("2026-03-01"), "2026-02-01");
    expect(leaked).toEqual({ generation: 2, since: "2026-02-01", leaked: true, forced });
    expect(afterRun({ ...plan, forced }, leaked, "2026-02-02")).toBe(leaked);
    // Its entry may go.
    expect(afterRun(plan, leaked, "2026-02-02")).toBe(leaked);
    const second = [...forced, "2026-02-02T10:00:00Z"];
    expect(afterRun({ ...plan, forced: second }, leaked, "2026-02-02").generation).toBe(3);
  });

  it("forced on a day on which it is due anyway, it is a leak", () => {
    const forced = ["2026-04-01T10:00:00Z"];
    expect(afterRun({ ...plan, forced }, at("2026-01-01"), "2026-04-01")).toMatchObject({
      generation: 2,
      leaked: true,
    });
  });

  it("an ordinary rotation after a leak keeps the former password again", () => {
    const leaked: Rotated = { generation: 2, since: "2026-02-01", leaked: true, forced: ["x"] };
    expect(afterRun({ ...plan, forced: ["x"] }, leaked, "2026-04-01")).toMatchObject({
      generation: 3,
      leaked: false,
    });
  });
});

describe("what is declared", () => {
  const rotation = { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] };
  const declared = { config: { rotation }, databases, redisUsers };
  const today = Date.parse("2026-11-21T12:00:00Z");
  const faults = (change: object, entries: object = {}) =>
    rotationFaults({ ...declared, config: { rotation: { ...rotation, ...change } }, ...entries }, today).map(
      ({ path, fix }) => `${path}: ${fix}`,
    );

  it("has a plan for every live database and Redis user, with its own period where it has one", () => {
    const [first, second, ...rest] = databases;
    const changed = [{ ...first, rotationDays: 30 }, { ...second, state: "retired" }, ...rest];
    const plans = rotationPlans({
      ...declared,
      databases: changed as typeof databases,
      config: {
        rotation: {
          ...rotation,
          forced: [
            { database: "mo_crm", at: "b", reason: "r" },
            { database: "mo_crm", at: "a", reason: "r" },
          ],
        },
      },
    });
    expect(Object.keys(plans)).toHaveLength(live.services - 1);
    expect(plans.mo_main).toEqual({ ...plan, days: 30 });
    expect(plans.mo_crm).toEqual({ ...plan, forced: ["a", "b"] });
    expect(plans.mo_votes).toBeUndefined();
    expect(plans.svc_crm).toEqual(plan);
  });

  it("has no fault as it stands, on the anchor's own day either", () => {
    expect(faults({})).toEqual([]);
    expect(faults({ anchor: "2026-11-21" })).toEqual([]);
  });

  it("names every fault at once", () => {
    const forced = [
      { database: "mo_typo", at: "2026-11-01T00:00:00Z", reason: "r" },
      { database: "svc_crm", at: "2026-11-21T12:00:01Z", reason: "r" },
      { database: "mo_crm", at: "2026-11-01T00:00:00Z", reason: "r" },
      { database: "mo_crm", at: "2026-11-01T00:00:00Z", reason: "again" },
    ];
    expect(faults({ anchor: "2026-11-22", graceDays: 46, forced })).toEqual([
      "rotation.anchor: lies in the future: give a day up to 2026-11-21",
      "rotation.graceDays: takes more than half of 90 days: give fewer",
      "rotation.forced.0.database: no database and no Redis user has this name",
      "rotation.forced.1.at: lies in the future: give a moment up to 2026-11-21T12:00:00Z",
      "rotation.forced.3: the same rotation once more: remove it",
    ]);
  });

  it("a period of its own has room for two grace windows; a retired database may have been rotated", () => {
    const [first, ...rest] = databases;
    expect(faults({}, { databases: [{ ...first, rotationDays: 13 }, ...rest] })).toEqual([
      "databases.mo_main.rotationDays: two grace windows do not fit: give 14 days or more, or a shorter rotation.graceDays",
    ]);
    const forced = [{ database: "mo_main", at: "2026-11-01T00:00:00Z", reason: "r" }];
    expect(faults({ forced }, { databases: [{ ...first, state: "retired" }, ...rest] })).toEqual([]);
  });
});
