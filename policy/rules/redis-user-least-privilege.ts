import { REDIS_USER } from "../kinds";
import { show, texts } from "../plain";
import { resourceRule } from "../rule";

export const redisUserLeastPrivilege = resourceRule({
  name: "redis-user-least-privilege",
  description: "A Redis user has data commands on its own keys and channels.",
  severity: "high",
  remediationSteps:
    "Give keys and channels the service's prefix, `crm:*`, and commands by category without @dangerous and @admin.",
  types: [REDIS_USER],
  *faults({ props }) {
    for (const property of ["keys", "channels"]) {
      for (const pattern of texts(props[property])) {
        if (!/^[A-Za-z0-9_-]+:/.test(pattern))
          yield `${property} holds ${show(pattern)}. Begin it with the service's prefix`;
      }
    }
    if (typeof props.commands !== "string") return;
    const allowed = effective(props.commands.toLowerCase().split(/\s+/));
    for (const category of ["@all", "@admin", "@dangerous"]) {
      if (allowed.has(category))
        yield `commands allow ${category}, which reaches beyond the service's keys. Take it away`;
    }
  },
});

/** Categories that stand after all rules were applied in order; a later rule wins. */
function effective(rules: string[]): Set<string> {
  const allowed = new Set<string>();
  for (const rule of rules) {
    const name = rule === "allcommands" ? "@all" : rule === "nocommands" ? "@all" : rule.slice(1);
    const adds = rule === "allcommands" || rule.startsWith("+");
    if (name === "@all") {
      allowed.clear();
      if (adds) for (const category of ["@all", "@admin", "@dangerous"]) allowed.add(category);
    } else if (adds) allowed.add(name);
    else allowed.delete(name);
  }
  return allowed;
}
