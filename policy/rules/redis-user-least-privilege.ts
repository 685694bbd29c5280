import { ADMIN } from "../../estate/naming";
import { REDIS_USER } from "../kinds";
import { isUnknown, show, texts } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  commands: string[];
  withheld: string[];
}

/** Categories that hold data commands; what of them is dangerous or reaches other keys is taken away behind them. */
const CATEGORIES = new Set([
  ...[
    "@read",
    "@write",
    "@keyspace",
    "@string",
    "@hash",
    "@list",
    "@set",
    "@sortedset",
    "@stream",
    "@bitmap",
  ],
  ...[
    "@hyperloglog",
    "@geo",
    "@connection",
    "@transaction",
    "@pubsub",
    "@scripting",
    "@fast",
    "@slow",
    "@blocking",
  ],
]);

export const redisUserLeastPrivilege = resourceRule<Config>({
  name: "redis-user-least-privilege",
  description: "A Redis user has data commands on its own keys and channels.",
  severity: "high",
  remediationSteps:
    "Give keys and channels the service's prefix, `crm:*`, and commands as components/plans/privileges.ts does.",
  config: {
    commands: textList("Commands that may be given one by one", [
      "info",
      // Of its own instance, in which nobody else is.
      "keys",
      "flushdb",
      "ping",
      "hello",
      "auth",
      "get",
      "set",
      "del",
    ]),
    withheld: textList("Commands of those categories whose effect outlives the connection that called them", [
      "function",
      "script|debug",
    ]),
  },
  types: [REDIS_USER],
  *faults({ props }, { commands, withheld }) {
    const { user } = props;
    if (!isUnknown(user) && !/^svc_[a-z0-9_]+$/.test(String(user))) {
      yield `user is ${show(user)}. A service's name begins with svc_, and ${ADMIN} is not declared here`;
    }
    const own = `${String(user).replace(/^svc_/, "")}:`;
    for (const property of ["keys", "channels"]) {
      for (const pattern of texts(props[property])) {
        if (isUnknown(user) || (pattern.startsWith(own) && /^[a-z0-9_-]+:[\w:*-]*$/.test(pattern))) continue;
        yield `${property} holds ${show(pattern)}. Begin it with the service's prefix, ${own}`;
      }
    }
    if (typeof props.commands !== "string") return;
    const { unknown, allowed } = effective(props.commands, commands);
    for (const rule of unknown) {
      yield `commands hold ${show(rule)}, which is not on the list: it may reach beyond the service's keys`;
    }
    const withCategory = [...allowed].some((name) => CATEGORIES.has(name));
    if (!withCategory) return;
    const missing = ["@dangerous", "@admin", ...withheld].filter((name) => !allowed.has(`-${name}`));
    if (missing.length > 0) {
      yield `commands leave ${missing.join(", ")} of what they allow. Take it away behind the categories: -${missing[0]}`;
    }
  },
});

/** What stands after all rules were applied in order: what is given, and what was taken away after the last gift that holds it. */
function effective(text: string, commands: readonly string[]): { unknown: string[]; allowed: Set<string> } {
  const unknown: string[] = [];
  const allowed = new Set<string>();
  for (const rule of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const name = rule.slice(1);
    if (rule === "-@all" || rule === "nocommands") allowed.clear();
    else if (/^-[@\w|-]+$/.test(rule)) {
      allowed.delete(name);
      allowed.add(`-${name}`);
    } else if (rule.startsWith("+") && CATEGORIES.has(name)) {
      // A category gives again what was taken away before.
      for (const taken of [...allowed]) if (taken.startsWith("-")) allowed.delete(taken);
      allowed.add(name);
    } else if (rule.startsWith("+") && commands.includes(name)) {
      allowed.delete(`-${name}`);
      allowed.add(name);
    } else unknown.push(rule);
  }
  return { unknown, allowed };
}
