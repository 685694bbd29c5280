import { parseRange } from "../../../connect/address";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../wire/kind";
import { ruleName } from "./rule";

/** A source covers at most 2^3 addresses: /29 on IPv4, /125 on IPv6. */
const WIDEST_BITS = 3;

const FIELDS = ["port", "protocol", "from", "comment"] as const;

/** All faults of a rule set, and the rules as they are kept: sources canonical, names made from the rules. */
export function checkRules(
  rules: Value | undefined,
  sshPort: Value,
): { rules: Value; failures: CheckFailure[] } {
  if (rules === UNKNOWN) return { rules, failures: [] };
  if (!isRecord(rules)) {
    return { rules: {}, failures: [{ property: "rules", reason: "must be the rules by name" }] };
  }
  const failures: CheckFailure[] = [];
  const checked: Record<string, Value> = {};
  let certain = true;
  for (const [name, rule] of Object.entries(rules)) {
    const at = `rules["${name}"]`;
    if (rule === UNKNOWN || (isRecord(rule) && FIELDS.some((field) => rule[field] === UNKNOWN))) {
      certain = false;
      checked[name] = rule;
    } else if (!isRecord(rule)) {
      failures.push({ property: at, reason: `must have ${FIELDS.join(", ")}` });
    } else {
      const faults = checkRule(rule, at);
      failures.push(...faults);
      if (faults.length > 0) checked[name] = rule;
      else {
        const from = parseRange(rule.from as string)?.text ?? "";
        const kept = { ...(rule as { port: number; protocol: "tcp"; comment: string }), from };
        checked[ruleName(kept)] = kept;
      }
    }
  }
  const opensSsh = Object.values(checked).some(
    (rule) => isRecord(rule) && rule.port === sshPort && rule.protocol === "tcp",
  );
  if (certain && sshPort !== UNKNOWN && !opensSsh) {
    failures.push({
      property: "rules",
      reason: `no rule opens the SSH port ${String(sshPort)}: it would lock the operators out. Add one for their addresses`,
    });
  }
  return { rules: checked, failures };
}

function checkRule(rule: Properties, at: string): CheckFailure[] {
  const failures: CheckFailure[] = Object.keys(rule)
    .filter((field) => !(FIELDS as readonly string[]).includes(field))
    .map((field) => ({
      property: `${at}.${field}`,
      reason: `is no part of a rule; it has ${FIELDS.join(", ")}`,
    }));
  const { port, protocol, from, comment } = rule;
  if (!isPort(port)) {
    failures.push({ property: `${at}.port`, reason: `is ${show(port)}; give one port from 1 to 65535` });
  }
  if (protocol !== "tcp" && protocol !== "udp") {
    failures.push({ property: `${at}.protocol`, reason: `is ${show(protocol)}; say tcp or udp` });
  }
  const reason = sourceFault(from);
  if (reason) failures.push({ property: `${at}.from`, reason });
  // ufw keeps no quotes, and a comment needs none.
  if (typeof comment !== "string" || !/^[A-Za-z0-9 ,.:()_/-]{0,80}$/.test(comment)) {
    failures.push({
      property: `${at}.comment`,
      reason: `is ${show(comment)}; use up to 80 letters, digits, spaces and , . : ( ) _ / -`,
    });
  }
  return failures;
}

function sourceFault(from: Value | undefined): string | undefined {
  const range = typeof from === "string" ? parseRange(from) : undefined;
  if (!range) return `is ${show(from)}; name the address that may come, or a range such as 203.0.113.8/29`;
  const narrowest = (range.family === 4 ? 32 : 128) - WIDEST_BITS;
  if (range.prefix >= narrowest) return undefined;
  return `is ${show(from)}; a source is no wider than /${narrowest}: list several if need be`;
}

export function isPort(value: Value | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
}

function isRecord(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function show(value: Value | undefined): string {
  return value === undefined || value === null ? "missing" : JSON.stringify(value);
}
