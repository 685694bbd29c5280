import { hostname, userInfo } from "node:os";
import { migrateDown, migrateUp } from "../../migrate/run";
import { type MigratedDatabase, replay } from "../../migrate/scratch";
import type { RunOptions } from "../../migrate/types";
import { couldNotTell, messageOf } from "../exit";
import type { RunResult } from "../render/migrate";
import { declaredOf, type Selected } from "./select";

/** Who stands in the history. */
export function operator(): string {
  return `${userInfo().username}@${hostname()}`;
}

/** Applies what is pending, or with `dryRun` on a scratch database what would be. */
export async function runUp(
  { entry, set }: Selected,
  database: MigratedDatabase,
  options: RunOptions & { to?: number | undefined; dryRun: boolean },
): Promise<RunResult> {
  if (!set) return { name: entry.name, done: [] };
  return caught(entry.name, options, async (told) => {
    const declared = declaredOf(set);
    if (!options.dryRun) return migrateUp(database.store, declared, told);
    const history = await database.store.history();
    if (!history) throw couldNotTell(`there is no database ${entry.name}. Run: pulumi up`);
    return database.withScratch(async ({ store }) => {
      await replay(store, history, declared, told);
      // Told as what they are for; the scratch database's own name says nothing to anybody.
      const report: RunOptions["report"] = (event) =>
        told.report({ ...event, database: `${entry.name} (scratch copy)` });
      return migrateUp(store, declared, { ...told, report });
    });
  });
}

export function runDown(
  { entry, set }: Selected,
  database: MigratedDatabase,
  options: RunOptions & { to: number },
): Promise<RunResult> {
  return caught(entry.name, options, (told) =>
    migrateDown(database.store, entry.engine, set ? declaredOf(set) : [], { ...told, to: options.to }),
  );
}

/** What was done before it failed is part of the result. */
async function caught<Options extends RunOptions>(
  name: string,
  options: Options,
  work: (options: Options) => Promise<{ done: string[] }>,
): Promise<RunResult> {
  const done: string[] = [];
  try {
    await work({
      ...options,
      report: (event) => {
        if (event.type === "finished") done.push(event.id);
        options.report(event);
      },
    });
    return { name, done };
  } catch (error) {
    return { name, done, error: messageOf(error) };
  }
}
