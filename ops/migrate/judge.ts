import { type Fact, factsOf } from "../../estate/migrations/facts";
import type { Script } from "../../estate/migrations/types";
import { couldNotTell } from "../exit";
import type { Selected } from "./select";

/** What no policy has an exception for (policy/rules/migration-*.ts), and what it is to whoever wrote it. */
const REFUSED: Partial<Record<Fact["does"], string>> = {
  dynamic: "nobody can say what it does: write it out",
  unlisted: "nothing that a migration may hold: docs/migrations.md",
  grant: "rights are declared, not migrated: docs/least-privilege.md",
};

/** `pulumi up` has its policies; whoever migrates without it is held to the same. Throws "could not tell" with all faults. */
export async function requireJudged(selected: readonly Selected[]): Promise<void> {
  // Loaded where it is needed: every start of the command would pay for it.
  const { loadModule } = await import("libpg-query");
  await loadModule();
  const faults = selected.flatMap(({ set }) =>
    (set?.migrations ?? []).flatMap(({ up }) => faultsOf(up, set?.engine ?? "postgres")),
  );
  if (faults.length > 0) throw couldNotTell(faults.join("\n"));
}

function faultsOf({ source, text }: Script, engine: Parameters<typeof factsOf>[1]): string[] {
  return factsOf(text, engine).flatMap(({ line, does, what }) => {
    const why = REFUSED[does];
    return why === undefined ? [] : [`${source}:${line}: ${what}: ${why}`];
  });
}
