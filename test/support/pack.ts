import type { Policy, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { forget } from "../../policy/rule";
import { rules as allRules } from "../../policy/rules";
import { sayPreview } from "../../policy/run";
import { type Member, resourceArgs, stackArgs } from "./policy";

/** What one rule says of one resource. */
export interface Verdict {
  rule: string;
  /** Name of the resource; empty: the stack as a whole. */
  at: string;
  message: string;
}

export interface Run {
  /** Settings by rule, as in policy/config.<stack>.json. */
  config?: Record<string, object>;
  /** Default: true. */
  preview?: boolean;
  /** Default: every rule of the pack. */
  rules?: readonly Policy[];
  /** Another build of the pack. */
  pack?: { rules: readonly Policy[]; forget(): void; sayPreview(is: boolean): void };
}

const THIS = { rules: allRules, forget, sayPreview };

/**
 * A whole stack before the whole pack, as the engine asks it: what may be mended is mended, then each resource is judged,
 * then all of them together.
 */
export function judge(
  members: readonly Member[],
  { config = {}, preview = true, pack = THIS, rules = pack.rules }: Run = {},
): Verdict[] {
  pack.forget();
  pack.sayPreview(preview);
  const verdicts: Verdict[] = [];
  for (const member of members) {
    const args = resourceArgs(member);
    for (const rule of rules) {
      if (!("validateResource" in rule)) continue;
      const { validateResource } = rule as ResourceValidationPolicy;
      if (typeof validateResource !== "function") throw new Error(`${rule.name} validates in another form`);
      const getConfig = <T extends object>() => (config[rule.name] ?? {}) as T;
      validateResource({ ...args, getConfig }, (message) =>
        verdicts.push({ rule: rule.name, at: member.name, message }),
      );
    }
  }
  const stack = stackArgs(members, {});
  for (const rule of rules) {
    if (!("validateStack" in rule)) continue;
    const { validateStack } = rule as StackValidationPolicy;
    const getConfig = <T extends object>() => (config[rule.name] ?? {}) as T;
    validateStack({ ...stack, getConfig }, (message, at) =>
      verdicts.push({ rule: rule.name, at: at?.split("::").at(-1) ?? "", message }),
    );
  }
  pack.sayPreview(false);
  return verdicts;
}
