import { type Statement, splitStatements } from "../split";
import type { Token } from "../token";
import { tokenAt } from "../tokens";
import { bodyFaults } from "./mariadb-bodies";
import { databaseNamed } from "./mariadb-names";
import type { Deed, Fact } from "./types";

/** First words of what a MariaDB migration may hold. */
const LISTED =
  /^(?:CREATE (?:OR REPLACE )?(?:TEMPORARY )?TABLE|CREATE (?:OR REPLACE )?(?:UNIQUE |FULLTEXT |SPATIAL )?INDEX|CREATE (?:OR REPLACE )?SEQUENCE|CREATE (?:OR REPLACE )?TRIGGER|CREATE (?:OR REPLACE )?(?:ALGORITHM = \w+ )?(?:SQL SECURITY \w+ )?VIEW|ALTER (?:ALGORITHM = \w+ )?(?:SQL SECURITY \w+ )?VIEW|CREATE (?:OR REPLACE )?(?:PROCEDURE|FUNCTION)|ALTER (?:ONLINE |IGNORE )?TABLE|ALTER SEQUENCE|DROP (?:TEMPORARY )?(?:TABLE|INDEX|VIEW|TRIGGER|PROCEDURE|FUNCTION|SEQUENCE)|RENAME TABLES?|TRUNCATE|INSERT|REPLACE|UPDATE|DELETE|SELECT|WITH|ANALYZE|OPTIMIZE|SET NAMES)\b/;

/**
 * What the statements of a MariaDB migration do, by their words: MariaDB has no parser outside its server. What is not on
 * the list, or cannot be told by words, is said as such. Throws SqlFault.
 */
export function mariadbFacts(sql: string): Fact[] {
  const hidden = executableComments(sql);
  if (hidden.length > 0) return hidden;
  return splitStatements(sql, "mariadb").flatMap(factsOf);
}

function factsOf(statement: Statement): Fact[] {
  const words = statement.tokens.map(wordOf);
  const text = words.join(" ");
  const facts: Fact[] = [];
  const note = (does: Deed, what: string, detail?: string) =>
    facts.push({ line: statement.line, does, what, ...(detail !== undefined && { detail }) });
  const head = words.slice(0, 12).join(" ");
  if (/^GRANT\b/.test(head)) note("grant", "rights", / TO PUBLIC\b/.test(text) ? "PUBLIC" : "an account");
  else if (!LISTED.test(head)) note("unlisted", words.slice(0, 3).join(" "));
  const security = / SQL SECURITY (\w+)/.exec(` ${text}`)?.[1];
  if (/^(?:CREATE|ALTER)\b.*?\bVIEW\b/.test(head) && security !== "INVOKER") {
    note("view-as-owner", nameAfter(statement.tokens, "VIEW"));
  }
  const routine = /^CREATE (?:OR REPLACE )?(PROCEDURE|FUNCTION)\b/.exec(head)?.[1];
  if (routine && security !== "INVOKER") note("definer", nameAfter(statement.tokens, routine), "");
  if (/\b(?:PREPARE \S+ FROM|EXECUTE (?:IMMEDIATE|\S))/.test(text)) {
    note("dynamic", "PREPARE or EXECUTE of a text that is put together while it runs");
  }
  if (/\bINTO (?:OUTFILE|DUMPFILE)\b|\bLOAD_FILE \(/.test(text)) note("unlisted", "a file of the host");
  if (/\b(?:DATA|INDEX) DIRECTORY\b/.test(text)) note("unlisted", "DATA DIRECTORY");
  if (/^(?:CREATE|ALTER)\b.*\bTABLE\b/.test(head)) table(text, note);
  if (/(?:^| )DEFINER =/.test(text)) note("unlisted", "DEFINER");
  // What it guarded nobody can say: somebody says that it was none, by its name.
  if (/^DROP TRIGGER\b/.test(head)) note("guard-off", nameAfter(statement.tokens, "TRIGGER"), "DROP TRIGGER");
  for (const what of bodyFaults(head, words)) note("unlisted", what);
  if (CALLS.test(text)) note("unlisted", "a function that waits, locks or reaches the host");
  if (words.includes(HISTORY)) note("unlisted", "the history of migrations");
  const other = databaseNamed(words);
  if (other !== undefined) note("unlisted", `a name of a database before a name (${other})`);
  return facts;
}

const HISTORY = "MIGRATION_HISTORY";
/** Functions that hold the run up, give its lock away, or are a plugin's. */
const CALLS =
  /\b(?:SLEEP|BENCHMARK|GET_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS|MASTER_POS_WAIT|MASTER_GTID_WAIT|SYS_\w+|LIB_MYSQLUDF_\w+) \(/;

/** Rows of a service lie in InnoDB, on its own server. A column may be called engine, too. */
function table(text: string, note: (does: Deed, what: string) => void): void {
  for (const [, engine = ""] of text.matchAll(/(?<!(?:COLUMN|ADD|EXISTS|[(,]) )\bENGINE (?:= )?(\S+)/g)) {
    if (engine !== "INNODB") note("unlisted", `the engine ${engine}`);
  }
  if (/\bCONNECTION (?:= )?''/.test(text)) note("unlisted", "CONNECTION to another server");
  if (/\b(?:IMPORT|DISCARD) TABLESPACE\b/.test(text)) note("unlisted", "rows from a file (TABLESPACE)");
}

/** A string is a value: its words are none of the statement's. */
function wordOf({ kind, text }: Token): string {
  if (kind === "string") return "''";
  // A name like `(` stays in its quotes: it is no mark.
  if (kind === "name") return (/^`\w+`$/.test(text) ? text.slice(1, -1) : text).toUpperCase();
  return text.toUpperCase();
}

function nameAfter(tokens: readonly Token[], keyword: string): string {
  const at = tokens.findIndex(({ text }) => text.toUpperCase() === keyword);
  const rest = tokens.slice(at + 1).filter(({ text }) => !/^(?:IF|NOT|EXISTS)$/i.test(text));
  return rest[0] ? wordOf(rest[0]).toLowerCase() : "";
}

/** Comments that a server reads as statements, depending on its version. */
function executableComments(sql: string): Fact[] {
  const facts: Fact[] = [];
  for (let at = 0, line = 1; at < sql.length; ) {
    const { kind, text, fault } = tokenAt(sql, at, "mariadb");
    if (kind === "comment" && fault !== undefined)
      facts.push({ line, does: "dynamic", what: "an executable comment" });
    line += text.split("\n").length - 1;
    at += text.length;
  }
  return facts;
}
