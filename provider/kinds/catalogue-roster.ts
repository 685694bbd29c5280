import type { EstateConfig } from "../config";
import type { CheckFailure, Kind, Properties } from "../wire/kind";

interface Roster {
  /** Every declared database, retired ones included. Sorted. */
  databases: string[];
  /** Those that were given up: they may leave the catalogue. Sorted. */
  retired: string[];
}

/**
 * The names of all declared databases. It guards one thing: a database leaves the catalogue only after it was
 * retired, so an entry deleted by mistake stops the run before anything else happens. Talks to no server.
 */
export const catalogueRoster: Kind<EstateConfig, Roster> = {
  token: "estate:catalogue:Roster",

  check(news, old) {
    const failures: CheckFailure[] = [];
    const inputs: Properties = {
      databases: names(news, "databases", failures),
      retired: names(news, "retired", failures),
    };
    if (failures.length > 0 || !old) return { inputs, failures };
    const allowed = new Set([...list(inputs.databases), ...list(inputs.retired), ...list(old.retired)]);
    for (const name of list(old.databases)) {
      if (!allowed.has(name)) failures.push({ property: "", reason: removedWhileLive(name) });
    }
    return { inputs, failures };
  },

  create: async (_call, inputs) => ({ id: "catalogue", state: inputs }),
  read: async (_call, id, old) => (old ? { id, inputs: old.inputs, state: old.inputs } : undefined),
  update: async (_call, _id, _old, news) => news,
  delete: async () => undefined,
};

function names(news: Properties, property: keyof Roster, failures: CheckFailure[]): string[] {
  const value = news[property] ?? [];
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return [...value].sort();
  failures.push({ property, reason: "must be a list of database names that are known in the preview" });
  return [];
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value : [];
}

function removedWhileLive(name: string): string {
  return (
    `${name} was taken out of the catalogue while it is live. To retire it: set state: "retired" on its entry in ` +
    "estate/catalogue.ts, run pulumi up (its user and grants go, the data stays), then remove the entry."
  );
}
