import { DECLARED_RIGHTS, type Rule } from "./rule";
import type { Statement } from "./split";
import { clausesOf, keywordsOf, settingsOf } from "./words";

const COMMITS = "each statement commits by itself: leave it out";
const OPERATED = "the server is operated elsewhere: leave it out";
const OR_REPLACE = "a repeated step must not fail: CREATE OR REPLACE";
/** With these a text would say something else from here on than was read. `CHAR SET` is CHARACTER SET, too. */
const READING = /^(sql_mode|old_mode|names|char|character|charset|(character_set|collation)(_\w+)?)$/;
const TRANSACTION = /^(autocommit|completion_type|transaction|(tx|transaction)_(isolation|read_only))$/;
const NO_SESSION =
  "it holds for the session alone, and a step that is resumed runs in another: write it into the statement that needs it";
/** What one statement leaves behind for the next. */
const LEFT_BEHIND = new Set(["ROW_COUNT", "FOUND_ROWS", "LAST_INSERT_ID", "LASTVAL"]);
const VARIABLES_LEFT = /^(identity|last_insert_id|insert_id|warning_count|error_count)$/i;
/** The run's own lock is one of them. */
const LOCKS = new Set(["GET_LOCK", "RELEASE_LOCK", "RELEASE_ALL_LOCKS"]);

const ROUTINES = "VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE";
/** What may stand between CREATE or ALTER and the kind of what is made. */
const OPTIONS = `(?:(?!(?:${ROUTINES}|TABLE|SEQUENCE|INDEX|SERVER) ).)*`;

export const MARIADB_RULES: Rule[] = [
  { matches: /^(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|XA)\b/, fix: COMMITS },
  { matches: /^(LOCK|UNLOCK) TABLES?\b/, fix: "migrations of a database run one at a time: leave it out" },
  { matches: /^(GRANT|REVOKE|SET PASSWORD|SET (DEFAULT )?ROLE)\b/, fix: DECLARED_RIGHTS },
  { matches: /^(CREATE|ALTER|DROP|RENAME)( OR REPLACE)? (USER|ROLE)\b/, fix: DECLARED_RIGHTS },
  {
    matches: /^(USE|(CREATE|ALTER|DROP)( OR REPLACE)? (DATABASE|SCHEMA))\b/,
    fix: "the catalogue declares databases; a migration stays in its own",
  },
  { matches: /^LOAD\b/, fix: "write the rows as INSERT" },
  {
    matches:
      /^(INSTALL|UNINSTALL|SHUTDOWN|KILL|RESET|PURGE|FLUSH|BACKUP|BINLOG|CHANGE MASTER|(START|STOP) (ALL )?(SLAVE|REPLICA)|(CREATE|ALTER|DROP)( OR REPLACE)? SERVER|CREATE .*\bSONAME)\b/,
    fix: OPERATED,
  },
  { matches: /^(HANDLER|(CREATE|DROP)( OR REPLACE)? TEMPORARY)\b/, fix: NO_SESSION },
  {
    matches: /^(PREPARE|EXECUTE|DEALLOCATE|SET STATEMENT)\b/,
    fix: "it hides what runs: write the statement itself",
  },
  {
    matches: /^((IF|CASE|FOR|LOOP|WHILE|REPEAT|DECLARE)\b|\S+ : )/,
    fix: "a step is a statement, no block: write the statements, or a procedure and its CALL",
  },
  {
    matches: new RegExp(`^(CREATE|ALTER) ${OPTIONS}\\bDEFINER =`),
    fix: "leave DEFINER out: it is the admin, whose host differs from server to server",
  },
  {
    matches: /^CREATE OR REPLACE (TEMPORARY )?TABLE\b/,
    fix: "it drops the rows that are there: use CREATE TABLE IF NOT EXISTS",
  },
  {
    matches: /^CREATE (TEMPORARY )?(TABLE|SEQUENCE) (?!IF NOT EXISTS)/,
    fix: "a repeated step must not fail: CREATE TABLE IF NOT EXISTS",
  },
  {
    matches: /^CREATE (UNIQUE |FULLTEXT |SPATIAL |VECTOR )?INDEX (?!IF NOT EXISTS)/,
    fix: "a repeated step must not fail: CREATE INDEX IF NOT EXISTS",
  },
  {
    matches: new RegExp(`^CREATE (?!OR REPLACE)${OPTIONS}(${ROUTINES})\\b`),
    fix: OR_REPLACE,
  },
  {
    matches:
      /^DROP (TEMPORARY )?(TABLES?|INDEX|VIEWS?|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE|PACKAGE( BODY)?) (?!IF EXISTS)/,
    fix: "a repeated step must not fail: DROP ... IF EXISTS",
  },
  {
    matches: /^RENAME TABLES? (?!IF EXISTS)/,
    fix: "a repeated step must not fail: RENAME TABLE IF EXISTS",
  },
];

const MAKES_ROUTINE = new RegExp(`^(CREATE|ALTER) ${OPTIONS}(TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE)\\b`);

/** What is in any part of a statement. */
export function mariadbFaults(statement: Statement, head: string): string[] {
  const fixes: string[] = [];
  for (const { name, global } of settingsOf(statement, "mariadb")) {
    if (global) fixes.push("the server's settings are declared with the server");
    else if (TRANSACTION.test(name)) fixes.push(COMMITS);
    else if (READING.test(name))
      fixes.push("files are UTF-8 in the SQL modes of this program: leave them as they are");
  }
  if (fixes.length === 0 && /^SET (?!(PASSWORD|ROLE|STATEMENT)\b|DEFAULT ROLE\b)/.test(head))
    fixes.push(NO_SESSION);
  if (!MAKES_ROUTINE.test(head)) fixes.push(...sessionFaults(statement));
  if (statement.tokens.some(({ kind, text }) => kind !== "string" && HISTORY.test(text)))
    fixes.push("the history of migrations is this program's: leave it alone");
  if (/^ALTER (ONLINE |IGNORE )*TABLE\b/.test(head)) fixes.push(...alterFaults(statement));
  if (/^RENAME TABLES?\b/.test(head) && isSwap(statement))
    fixes.push("a repeated step would swap back: one RENAME TABLE for each name");
  if (writesFile(statement)) fixes.push("a migration reads and writes no file of the server");
  return [...new Set(fixes)];
}

/** ALTER TABLE takes several clauses; each has to bear being repeated. */
function alterFaults({ tokens }: Statement): string[] {
  return clausesOf(tokens)
    .map(keywordsOf)
    .flatMap((clause) => {
      if (/\b(EXCHANGE|COALESCE) PARTITION\b|\bADD PARTITION\b(?! IF NOT EXISTS)/.test(clause)) {
        return ["a repeated step must not fail, nor do more: ADD PARTITION IF NOT EXISTS (PARTITION ...)"];
      }
      if (/\bADD\b/.test(clause) && !/\bIF NOT EXISTS\b/.test(clause)) {
        return ["a repeated step must not fail: ADD ... IF NOT EXISTS"];
      }
      if (/\bDROP (?!PRIMARY|DEFAULT)/.test(clause) && !/\bIF EXISTS\b/.test(clause)) {
        return ["a repeated step must not fail: DROP ... IF EXISTS"];
      }
      if (/\b(CHANGE( COLUMN)?|RENAME (COLUMN|INDEX|KEY)) (?!COLUMN|IF EXISTS)/.test(clause)) {
        return ["a repeated step must not fail: CHANGE or RENAME COLUMN ... IF EXISTS"];
      }
      if (/\bRENAME (?!COLUMN |INDEX |KEY )/.test(clause)) {
        return ["a repeated step must not fail: RENAME TABLE IF EXISTS"];
      }
      return [];
    });
}

/** Whether a name is given away and taken in the same statement: done twice, it is another table's. */
function isSwap({ tokens }: Statement): boolean {
  const names = clausesOf(tokens).flatMap((clause) => {
    const words = clause.map(({ text }) => text.replaceAll("`", "").toLowerCase());
    const to = words.indexOf("to");
    return to > 0 ? [words[to - 1] ?? "", words[to + 1] ?? ""] : [];
  });
  return new Set(names).size < names.length;
}

/** The table in which they are noted (migrate/mariadb-history.ts). */
const HISTORY = /^`?migration_history`?$/i;

/** What would hold for the session and not for the statement: a body has one of its own. */
function sessionFaults({ tokens }: Statement): string[] {
  const at = (index: number) => tokens[index]?.text ?? "";
  return tokens.flatMap(({ kind, text }, index) => {
    if (kind === "string" || kind === "name") return [];
    const variable = text === "@" && at(index - 1) !== "@";
    if (variable && at(index + 1) !== "@") return [NO_SESSION];
    if (variable) {
      const scoped = /^(session|local)$/i.test(at(index + 2)) && at(index + 3) === ".";
      const name = at(index + (scoped ? 4 : 2)).replaceAll("`", "");
      return VARIABLES_LEFT.test(name) ? [NO_SESSION] : [];
    }
    const word = text.toUpperCase();
    if (word === "PREVIOUS" && /^VALUE$/i.test(at(index + 1))) return [NO_SESSION];
    if (at(index + 1) !== "(") return [];
    if (LOCKS.has(word)) return ["migrations of a database run one at a time: leave it out"];
    return LEFT_BEHIND.has(word) ? [NO_SESSION] : [];
  });
}

function writesFile({ tokens }: Statement): boolean {
  return tokens.some(
    ({ kind, text }, at) =>
      kind === "word" &&
      ((/^(OUTFILE|DUMPFILE)$/i.test(text) && /^INTO$/i.test(tokens[at - 1]?.text ?? "")) ||
        (/^LOAD_FILE$/i.test(text) && tokens[at + 1]?.text === "(")),
  );
}
