import type { DatabaseEntry } from "../../estate/types";
import { planMigrations } from "../../migrate/plan";
import type { MigratedDatabase } from "../../migrate/scratch";
import type { AppliedMigration } from "../../migrate/types";
import { messageOf } from "../exit";
import { declaredOf, type Selected } from "./select";

export interface MigrationStatus {
  name: string;
  server: string;
  engine: DatabaseEntry["engine"];
  /**
   * `application`: it migrates its own schema; `current`; `pending`: files are not applied yet; `faulty`: history and files
   * contradict each other; `unknown`: the database could not be asked.
   */
  state: "application" | "current" | "pending" | "faulty" | "unknown";
  /** Version of the last finished migration; 0: none. */
  version: number;
  /** Version of the last file; 0: none. */
  latest: number;
  /** What is to be applied, in order. `0002_x (from statement 3)`: it stopped in its middle. */
  pending: string[];
  applied: Omit<AppliedMigration, "rollbackSql">[];
  /** Why: the application's reason, the faults, the error. */
  reasons: string[];
}

export async function statusOf(
  { entry, set }: Selected,
  database: () => MigratedDatabase,
): Promise<MigrationStatus> {
  const { name, server, engine, schema } = entry;
  const status: MigrationStatus = {
    name,
    server,
    engine,
    state: "application",
    version: 0,
    latest: set?.migrations.at(-1)?.version ?? 0,
    pending: [],
    applied: [],
    reasons: [],
  };
  if (!set) return { ...status, reasons: [schema.reason] };
  let history: AppliedMigration[] | undefined;
  try {
    history = await database().store.history();
  } catch (error) {
    return { ...status, state: "unknown", reasons: [messageOf(error)] };
  }
  if (!history)
    return { ...status, state: "unknown", reasons: ["there is no such database. Run: pulumi up"] };
  const { applied, pending, faults } = planMigrations(declaredOf(set), history);
  return {
    ...status,
    state: faults.length > 0 ? "faulty" : pending.length > 0 ? "pending" : "current",
    version: applied.at(-1)?.version ?? 0,
    pending: pending.map(({ declared, step }) =>
      step > 0 ? `${declared.id} (from statement ${step + 1})` : declared.id,
    ),
    applied: history.map(({ rollbackSql: _, ...row }) => row),
    reasons: faults,
  };
}
