import { queuesSavedBy, savedBy } from "../backup-agents";
import { databasesOf, queuesOf } from "../databases";
import { stackRule } from "../rule";
import { textList } from "../settings";

interface Config {
  types: string[];
}

export const databaseBackedUp = stackRule<Config>({
  name: "database-backed-up",
  description: "Every database and every queue of Redis is in a backup.",
  severity: "high",
  remediationSteps:
    "Give the host a BackupAgent with the database, or the queue by its user, in `databases` and in its settings, and its timers.",
  config: {
    types: textList("Kinds that back up what their property `databases` lists", ["estate:host:BackupAgent"]),
  },
  *faults(resources, { types }) {
    const agents = resources.filter(({ type }) => types.includes(type));
    const saved = new Set(agents.flatMap(savedBy));
    const savedQueues = new Set(agents.flatMap(queuesSavedBy));
    const missing = [
      ...databasesOf(resources)
        .map(({ name }) => name)
        .filter((name) => !saved.has(name)),
      ...queuesOf(resources).filter((name) => !savedQueues.has(name)),
    ].sort();
    // One message for all: while none is backed up, a line each would bury the rest.
    if (missing.length > 0) yield { fault: `in no backup: ${missing.join(", ")}` };
  },
});
