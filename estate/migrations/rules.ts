import type { Engine } from "../types";
import { MARIADB_RULES, mariadbFaults } from "./rules-mariadb";
import { POSTGRES_RULES, postgresFaults } from "./rules-postgres";
import type { Script } from "./types";
import { headOf } from "./words";

/** Everything that is wrong with one file's statements, each with its line. */
export function faultsOf(script: Script, engine: Engine): { line: number; fix: string }[] {
  const rules = engine === "postgres" ? POSTGRES_RULES : MARIADB_RULES;
  return script.statements.flatMap((statement) => {
    const head = headOf(statement);
    const fixes = rules.filter(({ matches }) => matches.test(head)).map(({ fix }) => fix);
    const further =
      engine === "postgres" ? postgresFaults(statement, head, script) : mariadbFaults(statement, head);
    return [...fixes, ...further].map((fix) => ({ line: statement.line, fix: `${clip(head)}: ${fix}` }));
  });
}

/** Up to the first value. */
function clip(head: string): string {
  const [shown = ""] = head.split(" ''", 1);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
