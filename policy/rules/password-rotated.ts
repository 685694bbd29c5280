import { generatorsOf } from "../accounts";
import { stackRule } from "../rule";
import { wholeNumber } from "../settings";

interface Config {
  days: number;
  graceDays: number;
  anchor?: string;
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * Which generation a service is at shows in the names of its passwords, `mo_crm-password-3`. When each began follows from
 * the stack's rotation, which a policy cannot see: `anchor` repeats it. Without an anchor nothing can be overdue here.
 */
export const passwordRotated = stackRule<Config>({
  name: "password-rotated",
  description: "Passwords are rotated within 90 days, and no rotation is overdue.",
  severity: "high",
  remediationSteps: "Run `pulumi up`: the generation that is due follows from the calendar.",
  config: {
    days: wholeNumber("Days a generation lives, as in the stack's rotation.days", 90, 1, 90),
    graceDays: wholeNumber("Days a rotation may be late", 7, 0, 30),
    anchor: {
      type: "string",
      format: "date",
      description: "First day of generation 1, as in the stack's rotation.anchor",
    },
  },
  *faults(resources, { days, graceDays, anchor }) {
    if (anchor === undefined) return;
    const began = Date.parse(anchor);
    if (Number.isNaN(began)) {
      yield { fault: `anchor is ${JSON.stringify(anchor)}. Use a day such as 2026-01-01` };
      return;
    }
    const due = Math.floor((Date.now() - graceDays * DAY - began) / (days * DAY)) + 1;
    for (const [service, { generation, at }] of newest(generatorsOf(resources))) {
      if (generation < due)
        yield { at, fault: `${service} is at generation ${generation}, and ${due} is due` };
    }
  },
});

function newest<Resource extends { name: string }>(generators: Resource[]) {
  const found = new Map<string, { generation: number; at: Resource }>();
  for (const at of generators) {
    const [, service, number] = /^(.+)-password-(\d+)$/.exec(at.name) ?? [];
    if (service === undefined) continue;
    const generation = Number(number);
    if (generation > (found.get(service)?.generation ?? 0)) found.set(service, { generation, at });
  }
  return found;
}
