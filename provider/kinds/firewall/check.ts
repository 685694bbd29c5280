import { parseRange } from "../../../connect/address";
import { ANYWHERE, DESTINATION_BITS } from "../../../estate/destinations";
import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../wire/kind";
import { type FirewallRule, type IncomingRule, ruleName } from "./rule";

/** What a host has to reach, and all faults of it. */
export function checkNeeds(needs: Value | undefined): { needs: Value; failures: CheckFailure[] } {
  const list = needs === undefined || needs === null ? [] : needs;
  if (list === UNKNOWN) return { needs: list, failures: [] };
  const fits = (one: Value) =>
    one === UNKNOWN ||
    (isRecord(one) &&
      (one.host === UNKNOWN || (typeof one.host === "string" && /^[A-Za-z0-9.:-]+$/.test(one.host))) &&
      (one.port === UNKNOWN || isPort(one.port)));
  if (Array.isArray(list) && list.every(fits)) return { needs: list, failures: [] };
  const reason = `is ${show(list)}; list what has to be reached, each with host (a name or an address) and port`;
  return { needs: list, failures: [{ property: "needs", reason }] };
}

/** A source covers at most 2^3 addresses: /29 on IPv4, /125 on IPv6. */
const WIDEST_BITS = 3;

const FIELDS = ["port", "protocol", "from", "to", "comment"] as const;

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
      failures.push({ property: at, reason: `must have ${SHAPE}` });
    } else {
      const faults = checkRule(rule, at);
      failures.push(...faults);
      if (faults.length > 0) checked[name] = rule;
      else {
        const kept = canonical(rule);
        checked[ruleName(kept)] = { ...kept };
      }
    }
  }
  const opensSsh = Object.values(checked).some(
    (rule) => isRecord(rule) && rule.port === sshPort && rule.protocol === "tcp" && !leadsOut(rule),
  );
  if (certain && sshPort !== UNKNOWN && !opensSsh) {
    failures.push({
      property: "rules",
      reason: `no rule opens the SSH port ${String(sshPort)}: it would lock the operators out. Add one for their addresses`,
    });
  }
  return { rules: checked, failures };
}

const SHAPE = "port, protocol, comment, and from (who may come) or to (where to)";

function leadsOut(rule: Properties): boolean {
  return rule.to !== undefined && rule.to !== null;
}

/** A rule without fault, its source or destination as ufw and the kernel write it. */
function canonical(rule: Properties): FirewallRule {
  const { port, protocol, comment } = rule as Omit<IncomingRule, "from"> & Properties;
  const text = (value: Value | undefined) => parseRange(value as string)?.text ?? (value as string);
  return leadsOut(rule)
    ? { port, protocol, to: text(rule.to), comment }
    : { port, protocol, from: text(rule.from), comment };
}

function checkRule(rule: Properties, at: string): CheckFailure[] {
  const failures: CheckFailure[] = Object.keys(rule)
    .filter((field) => !(FIELDS as readonly string[]).includes(field))
    .map((field) => ({
      property: `${at}.${field}`,
      reason: `is no part of a rule; it has ${SHAPE}`,
    }));
  const { port, protocol, from, comment } = rule;
  if (!isPort(port)) {
    failures.push({ property: `${at}.port`, reason: `is ${show(port)}; give one port from 1 to 65535` });
  }
  if (protocol !== "tcp" && protocol !== "udp") {
    failures.push({ property: `${at}.protocol`, reason: `is ${show(protocol)}; say tcp or udp` });
  }
  if (!leadsOut(rule)) {
    const reason = sourceFault(from);
    if (reason) failures.push({ property: `${at}.from`, reason });
  } else if (from !== undefined && from !== null) {
    failures.push({ property: at, reason: "has from and to; a rule lets in or lets out: make it two" });
  } else {
    const reason = destinationFault(rule);
    if (reason) failures.push({ property: `${at}.to`, reason });
  }
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

function destinationFault({ to, port, protocol }: Properties): string | undefined {
  if (to === "any") {
    if (port === ANYWHERE.port && protocol === ANYWHERE.protocol) return undefined;
    return `is "any"; only ${ANYWHERE.protocol} ${ANYWHERE.port} may go to any address: name the addresses`;
  }
  const range = typeof to === "string" ? parseRange(to) : undefined;
  if (!range) return `is ${show(to)}; name an address, a range such as 203.0.113.0/24, or any`;
  const bits = DESTINATION_BITS[range.family];
  if (range.prefix >= bits) return undefined;
  return `is ${show(to)}; a destination is no wider than /${bits}: list several if need be`;
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
