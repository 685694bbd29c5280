import type { Engine } from "../../types";
import { mariadbFacts } from "./mariadb";
import { postgresFacts } from "./postgres";
import type { Fact } from "./types";

export type { Deed, Fact } from "./types";

/**
 * What a migration does. A text that cannot be read is a fact, too: nobody can say what it does. `loadModule()` of
 * libpg-query comes before.
 */
export function factsOf(sql: string, engine: Engine): Fact[] {
  try {
    return engine === "postgres" ? postgresFacts(sql) : mariadbFacts(sql);
  } catch {
    return [{ line: 1, does: "dynamic", what: `a text that is no SQL of ${engine}` }];
  }
}
