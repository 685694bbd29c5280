import { now } from "../../estate/clock";
import { afterRun, dayOf, type Rotated, type RotationPlan } from "../../estate/rotation";
import { diffInputs, keyPath } from "../wire/diff";
import { type CheckFailure, type FieldChange, type Kind, type Properties, UNKNOWN } from "../wire/kind";

interface ScheduleInputs {
  /** By database or Redis user. */
  services: Record<string, RotationPlan>;
}

interface ScheduleState extends ScheduleInputs {
  /** Where each rotation stands after the last run. */
  rotated: Record<string, Rotated>;
}

/**
 * `estate:rotation:Schedule`: which password generation each service is at, and since when. Remembered, not computed from
 * the date alone: a clock that goes back changes nothing, a run that comes late moves one generation on and not several,
 * and each forced rotation happens once. A rotation that is due shows as a change of `rotated.<service>.generation`.
 * Reaches no server. Id: "rotation".
 * @param clock milliseconds since 1970
 */
export function rotationSchedule(clock: () => number = now): Kind<unknown, ScheduleInputs, ScheduleState> {
  const after = (services: ScheduleInputs["services"], before: ScheduleState["rotated"] | undefined) => {
    const today = dayOf(clock());
    return Object.fromEntries(
      Object.entries(services).map(([name, plan]) => [name, afterRun(plan, before?.[name], today)]),
    );
  };
  return {
    token: "estate:rotation:Schedule",
    computedOutputs: ["rotated"],

    check: checkSchedule,

    diff({ inputs, state }, news): FieldChange[] {
      const changes = diffInputs(inputs as unknown as Properties, news);
      const services = knownServices(news);
      if (!services) return changes;
      for (const [name, { generation }] of Object.entries(after(services, state.rotated))) {
        const path = `${keyPath("rotated", name)}.generation`;
        const before = state.rotated[name];
        if (!before) changes.push({ path, kind: "add" });
        else if (before.generation !== generation) changes.push({ path, kind: "update" });
      }
      return changes;
    },

    foresee(old, news): Properties {
      const services = knownServices(news);
      return services ? { rotated: after(services, old?.state.rotated) as unknown as Properties } : {};
    },

    async create(_call, inputs) {
      return { id: "rotation", state: { ...inputs, rotated: after(inputs.services, undefined) } };
    },

    async read(_call, id, old) {
      if (!old)
        throw new Error("a rotation schedule is nowhere but in the state: there is nothing to import");
      return { id, ...old };
    },

    async update(_call, _id, { state }, news) {
      return { ...news, rotated: after(news.services, state.rotated) };
    },

    async delete() {},
  };
}

function checkSchedule(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = Object.keys(news)
    .filter((property) => property !== "services" && news[property] !== null)
    .map((property) => ({ property, reason: "is no property of a schedule; it has only services" }));
  const services = knownServices(news);
  if (!services && news.services !== UNKNOWN) {
    failures.push({ property: "services", reason: "must be the rotation plan of each service by its name" });
  }
  for (const [name, plan] of Object.entries(services ?? {})) {
    const { days, graceDays, anchor } = plan;
    const property = keyPath("services", name);
    if (!(Number.isInteger(days) && days >= 2 && days <= 90)) {
      failures.push({ property: `${property}.days`, reason: `is ${days}; give whole days, 2 to 90` });
    } else if (!(Number.isInteger(graceDays) && graceDays >= 1 && 2 * graceDays <= days)) {
      failures.push({
        property: `${property}.graceDays`,
        reason: `is ${graceDays}; give whole days, at least 1 and at most half of ${days}`,
      });
    }
    if (!/^\d{4}-\d{2}-\d{2}$/.test(anchor) || Number.isNaN(Date.parse(anchor))) {
      failures.push({ property: `${property}.anchor`, reason: `is ${anchor}; write a day as 2026-01-31` });
    }
  }
  return { inputs: { services: news.services ?? null }, failures };
}

/** undefined: not known yet, or no plans at all. */
function knownServices({ services }: Properties): Record<string, RotationPlan> | undefined {
  if (typeof services !== "object" || services === null || Array.isArray(services)) return undefined;
  const plans = services as Properties;
  const known = Object.values(plans).every(
    (plan) =>
      typeof plan === "object" &&
      plan !== null &&
      !Array.isArray(plan) &&
      !Object.values(plan).includes(UNKNOWN),
  );
  return known ? (plans as unknown as Record<string, RotationPlan>) : undefined;
}
