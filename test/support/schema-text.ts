import { splitStatements } from "../../estate/migrations/split";
import { tokenAt } from "../../estate/migrations/tokens";
import type { Engine } from "../../estate/types";

/** What MariaDB's programs mark as not to be run by any server. */
const NEVER = 999_999;

/**
 * The statements that a dump makes a schema with, one after the other, without what the dump program says of itself and of the
 * session, and without owners: what `schema.sql` holds.
 */
export function schemaText(dump: string, engine: Engine): string {
  const parts = statementsOf(dump, engine).map((text) => {
    const kept = text.replace(/[ \t]+$/gm, "");
    if (engine === "postgres" || !hasSemicolon(kept)) return `${kept};\n`;
    return `DELIMITER ;;\n${kept} ;;\nDELIMITER ;\n`;
  });
  return parts.join("\n");
}

/**
 * The same as one line for each statement, sorted: two of them are equal where two dump programs tell the same schema, however
 * they lay it out. A string, a quoted name and a comment within a statement count to the last character.
 */
export function schemaStatements(dump: string, engine: Engine): string[] {
  return statementsOf(dump, engine)
    .map((text) => {
      const tokens = [...tokensOf(text, engine)].filter(({ kind }) => kind !== "blank");
      // A comment of one line ends with the line.
      return tokens.map((token) => token.text + (/^(?:--|#)/.test(token.text) ? "\n" : " ")).join("");
    })
    .sort();
}

function statementsOf(dump: string, engine: Engine): string[] {
  const plain = engine === "postgres" ? dump.replace(/^\\(?:un)?restrict .*$/gm, "") : runnable(dump);
  return splitStatements(plain, engine)
    .map(({ text }) => (engine === "postgres" ? text : withoutOwner(text)))
    .filter((text) => ![OF_THE_SESSION, OF_EVERY_DATABASE, STAND_IN].some((kind) => kind.test(text)));
}

const OF_THE_SESSION = /^(?:SET\b|SELECT pg_catalog\.set_config\b)/i;
const OF_EVERY_DATABASE = /^(?:CREATE SCHEMA|COMMENT ON SCHEMA) public\b/;
/** mariadb-dump has each view twice: the first, of constants, lets views name one another. The real one says its algorithm. */
const STAND_IN = /^(?:CREATE VIEW|DROP VIEW IF EXISTS)\b/;

function withoutOwner(text: string): string {
  return text
    .replace(/^(CREATE\b[^(]*?)\s+DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`/, "$1")
    .replace(/^(CREATE\b[^(]*?)\s+SQL SECURITY DEFINER\b/, "$1")
    .replace(/^CREATE\s+/, "CREATE ")
    .replace(/^(\) ENGINE=\w+) AUTO_INCREMENT=\d+/m, "$1");
}

/** MariaDB's `/*!50003 ... *\/` is run, but by old servers: its marks go, what is between them stays. */
function runnable(dump: string): string {
  let open = 0;
  let text = "";
  for (let at = 0; at < dump.length; ) {
    const [mark, version] = /^\/\*M?!(\d*)/.exec(dump.slice(at, at + 12)) ?? [];
    if (mark !== undefined && Number(version) >= NEVER) {
      at = dump.indexOf("*/", at) + 2;
    } else if (mark !== undefined) {
      open++;
      at += mark.length;
    } else if (open > 0 && dump.startsWith("*/", at)) {
      open--;
      at += 2;
    } else {
      const token = tokenAt(dump, at, "mariadb");
      text += token.text;
      at += token.text.length;
    }
  }
  // What began within marks begins with a blank.
  return text.replace(/^ +(?=CREATE\b)/gm, "");
}

function hasSemicolon(text: string): boolean {
  return [...tokensOf(text, "mariadb")].some((token) => token.text === ";");
}

function* tokensOf(text: string, engine: Engine) {
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at, engine);
    yield token;
    at += token.text.length;
  }
}
