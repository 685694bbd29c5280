import { type Fact, factsOf } from "../estate/migrations/facts";
import type { Engine } from "../estate/types";
import { isUnknown, object, objects, type Properties, type Value } from "./plain";
import type { Declared } from "./rule";

export interface MigrationFact extends Fact {
  /** `0001_users`, or `0001_users (rollback)`. */
  id: string;
  rollback: boolean;
}

export interface Judged {
  facts: MigrationFact[];
  /** Migrations of which neither text nor facts are there. */
  blind: string[];
}

/**
 * What the migrations of one resource do. The text is judged where it is there; of what is applied the facts are kept, which
 * the provider computed from the text.
 */
export function migrationFacts({ props, provider }: Pick<Declared, "props" | "provider">): Judged {
  const judged: Judged = { facts: [], blind: [] };
  for (const [id, file] of Object.entries(object(props.migrations))) {
    if (isUnknown(file)) continue;
    const { up, down, facts, rollbackFacts } = object(file);
    for (const [text, kept, rollback] of [
      [up, facts, false],
      [down, rollbackFacts, true],
    ] as const) {
      const name = rollback ? `${id} (rollback)` : id;
      const found = factsIn(text, kept, enginesOf(props, provider));
      if (found) judged.facts.push(...found.map((fact) => ({ ...fact, id: name, rollback })));
      else if (!isUnknown(text)) judged.blind.push(name);
    }
  }
  return judged;
}

function factsIn(text: Value, kept: Value, engines: Engine[]): Fact[] | undefined {
  if (typeof text === "string") return engines.flatMap((engine) => factsOf(text, engine));
  if (!Array.isArray(kept)) return undefined;
  return objects(kept).map(({ line, does, what, detail }) => ({
    line: Number(line),
    does: String(does) as Fact["does"],
    what: String(what),
    ...(typeof detail === "string" && { detail }),
  }));
}

/** Told by the provider's server. Where nothing tells, an owner does, which only PostgreSQL has; else it must pass as both. */
function enginesOf({ owner }: Properties, provider: Properties): Engine[] {
  const [engine] = (["mariadb", "postgres"] as const).filter((name) => (provider[name] ?? null) !== null);
  if (engine) return [engine];
  return owner === undefined ? ["mariadb", "postgres"] : ["postgres"];
}
