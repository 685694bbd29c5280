import { compareDescriptions, type SchemaDifference } from "../../migrate/describe";
import { type MigratedDatabase, replay } from "../../migrate/scratch";
import type { RunOptions } from "../../migrate/types";
import { declaredOf, type Selected } from "./select";
import { type MigrationStatus, statusOf } from "./status";

export interface Verification extends MigrationStatus {
  /** How the schema differs from what its applied migrations make; undefined: it was not compared. */
  differences?: SchemaDifference[];
}

/** Compares history and checksums with the files, and the schema with what the files make on a scratch database. */
export async function verify(
  selected: Selected,
  database: () => MigratedDatabase,
  options: RunOptions,
): Promise<Verification> {
  const status = await statusOf(selected, database);
  const { set } = selected;
  if (!set || status.state === "unknown" || status.state === "faulty") return status;
  const live = database();
  const history = (await live.store.history()) ?? [];
  const expected = await live.withScratch(async (scratch) => {
    await replay(scratch.store, history, declaredOf(set), options);
    return scratch.describe();
  });
  return { ...status, differences: compareDescriptions(await live.describe(), expected) };
}

export function isVerified({ state, differences }: Verification): boolean {
  return state === "application" || (state === "current" && differences?.length === 0);
}
