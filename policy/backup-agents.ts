import { BACKUP_AGENT } from "./kinds";
import { isUnknown, object, texts } from "./plain";
import type { Standing } from "./rule";

export const AGENT_SETTINGS = "/etc/estate-backup";

/** What a backup agent's settings say; undefined: they are not known yet. */
export function agentSettings({ inputs }: Standing): ReadonlyMap<string, string> | undefined {
  const { content } = object(object(inputs.files)[`${AGENT_SETTINGS}/agent.conf`]);
  if (isUnknown(inputs.files) || isUnknown(content)) return undefined;
  const lines = typeof content === "string" ? content.split("\n") : [];
  return new Map(
    lines.flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name !== undefined && value !== undefined ? [[name, value.replace(/^'(.*)'$/, "$1")]] : [];
    }),
  );
}

/** What begins a run: of databases, of queues. */
const RUNS = ["estate-backup.timer", "estate-backup-queues.timer"];

/** The queues among them: the agent of a host without Redis has nothing to copy them from. */
export function queuesSavedBy(agent: Standing): readonly string[] {
  const engine = agent.type === BACKUP_AGENT ? agentSettings(agent)?.get("ENGINE") : undefined;
  return engine === undefined || engine === "redis" ? savedBy(agent) : [];
}

/** Databases and queues that an agent saves: its programs read their names in the settings, and a timer begins the work. */
export function savedBy(agent: Standing): readonly string[] {
  const { databases, timers } = agent.inputs;
  const names = texts(databases);
  const settings = agentSettings(agent);
  if (agent.type !== BACKUP_AGENT) return names;
  if (!isUnknown(timers) && !texts(timers).some((timer) => RUNS.includes(timer))) return [];
  const told = (settings?.get("DATABASES") ?? "").split(" ").map((each) => each.split(":")[0]);
  return names.filter((name) => settings === undefined || told.includes(name));
}
