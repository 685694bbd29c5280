import { now } from "../../estate/clock";
import { addDays, dayOf, dueDay } from "../../estate/rotation";
import { accountsOf } from "../accounts";
import { RETIREMENT, ROTATION_SCHEDULE } from "../kinds";
import { isUnknown, object, type Properties, show, type Value } from "../plain";
import { type Standing, stackRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  days: number;
  graceDays: number;
  lateDays: number;
  anchor?: string;
}

/**
 * The schedule says how often each password changes and when it last did; a password takes part in it by being made anew
 * with each generation. A policy does not see the stack's configuration: `anchor` repeats it, so that moving it takes both.
 */
export const passwordRotated = stackRule<Config>({
  name: "password-rotated",
  description: "Passwords are rotated within 90 days, and no rotation is overdue.",
  severity: "high",
  remediationSteps: "Run `pulumi up`: what is due follows from the calendar and the stack's rotation.",
  config: {
    days: wholeNumber("Most days that a password lives", 90, 1, 90),
    graceDays: wholeNumber("Most days that a former password stays valid", 14, 0, 30),
    lateDays: wholeNumber("Days a rotation may be late", 7, 0, 30),
    anchor: {
      type: "string",
      format: "date",
      description: "Day that periods count from, as in the stack's rotation.anchor",
    },
  },
  *faults(resources, config) {
    const schedules = resources.filter(({ type }) => type === ROTATION_SCHEDULE);
    for (const generator of serviceGenerators(resources)) {
      const rotated = (generator.madeFrom.keepers ?? []).some((source) => schedules.includes(source));
      if (!rotated)
        yield { at: generator, fault: "is never rotated: keepers hold no generation of a schedule" };
    }
    for (const at of schedules) for (const fault of overdue(at, config)) yield { at, fault };
    for (const at of resources.filter(({ type }) => type === RETIREMENT)) {
      for (const [service, days] of Object.entries(object(at.inputs.graceDays))) {
        if (!isUnknown(days) && !(Number(days) >= 0 && Number(days) <= config.graceDays))
          yield {
            at,
            fault: `${service} keeps a former password for ${show(days)} days. Give ${config.graceDays} or fewer`,
          };
      }
    }
  },
});

/** Those of services: an admin's password changes with its server. */
function serviceGenerators(resources: readonly Standing[]): Set<Standing> {
  return new Set(accountsOf(resources).flatMap(({ generators }) => generators));
}

function* overdue({ props }: Standing, { days, graceDays, lateDays, anchor }: Config): Iterable<string> {
  const today = dayOf(now());
  for (const [service, plan] of Object.entries(object(props.services))) {
    if (Object.values(object(plan)).some(isUnknown)) continue;
    const declared = planOf(plan);
    if (!declared) {
      yield `${service} has no plan that can be read. Give days, graceDays and anchor`;
      continue;
    }
    if (!(declared.days >= 1 && declared.days <= days)) {
      yield `${service} is rotated every ${declared.days} days. Give ${days} or fewer`;
      continue;
    }
    if (!(declared.graceDays >= 0 && declared.graceDays <= graceDays)) {
      yield `${service} keeps a former password for ${declared.graceDays} days. Give ${graceDays} or fewer`;
    }
    if (anchor !== undefined && declared.anchor !== anchor) {
      yield `${service} counts its periods from ${declared.anchor}, not from ${anchor}`;
    }
    const { since } = object(object(props.rotated)[service]);
    if (typeof since !== "string") continue;
    if (since > today) yield `${service} has its password since ${since}, which is yet to come`;
    const due = dueDay(declared, since);
    if (today > addDays(due, lateDays))
      yield `${service} has its password since ${since}, and was due on ${due}`;
  }
}

/** undefined: none that can be read. */
function planOf(plan: Value): { days: number; graceDays: number; anchor: string } | undefined {
  const { days, graceDays, anchor }: Properties = object(plan);
  const known = typeof days === "number" && typeof graceDays === "number" && typeof anchor === "string";
  return known ? { days, graceDays, anchor } : undefined;
}
