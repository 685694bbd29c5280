import type { Fault } from "./faults";
import type { DatabaseEntry, RedisUserEntry, StackConfig } from "./types";

/** When passwords change. Pure: days are UTC, written `2026-01-31`, so that they compare as texts. */
export type Day = string;

const DAY_MS = 24 * 60 * 60 * 1000;

export function dayOf(moment: number): Day {
  return new Date(moment).toISOString().slice(0, 10);
}

export function addDays(day: Day, days: number): Day {
  return dayOf(Date.parse(day) + days * DAY_MS);
}

/** Whole days from `from` to `to`; negative when `to` is earlier. */
export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}

/** What is declared of one service's rotation. */
export interface RotationPlan {
  /** Days of a period, 2 to 90. */
  days: number;
  /** Days that the former password stays valid after the new one was published; at most half a period. */
  graceDays: number;
  /** Periods begin on this day and every `days` days after it. */
  anchor: Day;
  /** Moments of forced rotations (ISO 8601), each after a leak. */
  forced: string[];
}

/** Where one service's rotation stands; remembered in the state. */
export interface Rotated {
  /** Counts up from 1, one a rotation. */
  generation: number;
  /** Day on which this generation began. */
  since: Day;
  /** The generation before leaked: its password is not to log in for a moment longer. */
  leaked: boolean;
  /** Forced rotations that are done with: known by their moments, whatever the clock says. */
  forced: string[];
}

/**
 * First day on which `up` rotates: the first of the next period, but not before two grace windows have passed, so that a
 * late rotation is not followed by another at once. As two windows fit into a period, no password gets older than one.
 */
export function dueDay({ days, graceDays, anchor }: Omit<RotationPlan, "forced">, since: Day): Day {
  const period = Math.floor(daysBetween(anchor, since) / days);
  const next = addDays(anchor, (period + 1) * days);
  const settled = addDays(since, 2 * graceDays);
  return next > settled ? next : settled;
}

/**
 * Where a rotation stands after a run on `today`: as it stood, or one generation further when it is due or when an entry
 * of `forced` is new. Never back: on an earlier day than that of the last run nothing is due.
 * @param rotated undefined: a service that is new
 */
export function afterRun(plan: RotationPlan, rotated: Rotated | undefined, today: Day): Rotated {
  const { forced } = plan;
  if (!rotated) return { generation: 1, since: today, leaked: false, forced };
  const leaked = forced.some((moment) => !rotated.forced.includes(moment));
  if (!leaked && today < dueDay(plan, rotated.since)) return rotated;
  return { generation: rotated.generation + 1, since: today, leaked, forced };
}

interface Rotating {
  config: Pick<StackConfig, "rotation">;
  databases: readonly DatabaseEntry[];
  redisUsers: readonly RedisUserEntry[];
}

/** The plan of every service that has a password, by database or Redis user. */
export function rotationPlans({ config, databases, redisUsers }: Rotating): Record<string, RotationPlan> {
  const { days, graceDays, anchor, forced } = config.rotation;
  const live = [...databases, ...redisUsers].filter(({ state }) => state === "live");
  return Object.fromEntries(
    live.map(({ name, rotationDays }) => {
      const moments = forced.filter(({ database }) => database === name).map(({ at }) => at);
      return [name, { days: rotationDays ?? days, graceDays, anchor, forced: moments.sort() }];
    }),
  );
}

/**
 * What a schema cannot see: the calendar, and names of the catalogue.
 * @param moment milliseconds since 1970
 */
export function rotationFaults(declared: Rotating, moment: number): Fault[] {
  const { days, graceDays, anchor, forced } = declared.config.rotation;
  const entries = [...declared.databases, ...declared.redisUsers].filter(({ state }) => state === "live");
  // An entry may outlive its database: it says what once happened.
  const names = [...declared.databases, ...declared.redisUsers].map(({ name }) => name);
  const tight = entries.filter(({ rotationDays = days }) => rotationDays < 2 * graceDays);
  const fault = (path: string, value: unknown, fix: string): Fault => ({ path, value, fix });
  const seen = new Set<string>();
  return [
    ...(anchor > dayOf(moment)
      ? [fault("rotation.anchor", anchor, `lies in the future: give a day up to ${dayOf(moment)}`)]
      : []),
    ...(days < 2 * graceDays
      ? [fault("rotation.graceDays", graceDays, `takes more than half of ${days} days: give fewer`)]
      : tight.map(({ name, rotationDays }) =>
          fault(
            `databases.${name}.rotationDays`,
            rotationDays,
            `two grace windows do not fit: give ${2 * graceDays} days or more, or a shorter rotation.graceDays`,
          ),
        )),
    ...forced.flatMap(({ database, at }, index) => {
      const path = `rotation.forced.${index}`;
      const twin = seen.has(`${database} ${at}`);
      seen.add(`${database} ${at}`);
      return [
        ...(names.includes(database)
          ? []
          : [fault(`${path}.database`, database, "no database and no Redis user has this name")]),
        ...(Date.parse(at) > moment
          ? [fault(`${path}.at`, at, `lies in the future: give a moment up to ${isoMoment(moment)}`)]
          : []),
        ...(twin ? [fault(path, database, "the same rotation once more: remove it")] : []),
      ];
    }),
  ];
}

/** `2026-11-21T14:40:00Z` */
export function isoMoment(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 19)}Z`;
}
