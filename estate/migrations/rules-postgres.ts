import { DECLARED_RIGHTS, type Rule } from "./rule";
import type { Statement } from "./split";
import type { Script } from "./types";
import { settingsOf, wordsOf } from "./words";

const STAYS_OWNER = "a migration runs as the database's owner and stays it";
const ROLES = ["role", "session_authorization"];
/** With these a text would say something else from here on than was read. */
const READING = ["standard_conforming_strings", "backslash_quote", "client_encoding", "names"];

export const POSTGRES_RULES: Rule[] = [
  {
    matches: /^(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE TRANSACTION)\b/,
    fix: "the transaction is this program's: a file is one, or has `-- estate: no-transaction` as its first line",
  },
  {
    matches: /^(SET (LOCAL |SESSION )?(AUTHORIZATION|SESSION AUTHORIZATION)|RESET (ALL|SESSION)|DISCARD)\b/,
    fix: STAYS_OWNER,
  },
  { matches: /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|REASSIGN|DROP OWNED)\b/, fix: DECLARED_RIGHTS },
  { matches: /^(CREATE|ALTER|DROP) (ROLE|USER|GROUP)\b/, fix: DECLARED_RIGHTS },
  {
    matches: /^(CREATE|ALTER|DROP) (DATABASE|TABLESPACE|EXTENSION)\b/,
    fix: "the catalogue declares databases and their extensions",
  },
  { matches: /^(CREATE|ALTER|DROP) POLICY\b/, fix: "row-level security is declared, not migrated" },
  { matches: /^ALTER SYSTEM\b/, fix: "the server's settings are declared with the server" },
  { matches: /^COPY\b/, fix: "write the rows as INSERT" },
  { matches: /^LOAD\b/, fix: "what the server loads is declared with the server" },
];

/** What is in any part of a statement. */
export function postgresFaults(statement: Statement, head: string, { transactional }: Script): string[] {
  const fixes: string[] = [];
  for (const { name } of settingsOf(statement, "postgres")) {
    if (ROLES.includes(name)) fixes.push(STAYS_OWNER);
    if (READING.includes(name))
      fixes.push("files are UTF-8 with standard strings: leave the setting as it is");
  }
  if (setsRole(statement) || writesSettings(statement) || bodySets(statement, head)) fixes.push(STAYS_OWNER);
  if (/^(ALTER|CREATE SCHEMA)\b/.test(head)) fixes.push(...declaredElsewhere(wordsOf(statement.tokens)));
  if (statement.tokens.some(({ kind, text }) => kind !== "string" && HISTORY.test(text)))
    fixes.push("the history of migrations is this program's: leave it alone");
  if (transactional && OUTSIDE.test(head)) {
    fixes.push(
      "cannot run in a transaction: give it a file of its own with `-- estate: no-transaction` as its first line",
    );
  }
  if (
    !transactional &&
    (/^(SET|RESET)\b|^CREATE (GLOBAL |LOCAL )?TEMP(ORARY)?\b/.test(head) || leavesBehind(statement))
  ) {
    fixes.push(
      "it holds for the session alone, and a statement that is resumed runs in another: write it into the statement that needs it",
    );
  }
  if (!transactional && INDEX_ONCE.test(head)) {
    fixes.push("a repeated step must not fail: add IF NOT EXISTS, or IF EXISTS to a DROP");
  }
  return [...new Set(fixes)];
}

/** The table in which they are noted (migrate/postgres-history.ts). */
const HISTORY = /^"?migration_history"?$/i;

/** Functions of the session's own state. */
function leavesBehind({ tokens }: Statement): boolean {
  return tokens.some(
    ({ kind, text }, at) =>
      kind !== "string" && /^"?(?:set_config|currval|lastval)"?$/i.test(text) && tokens[at + 1]?.text === "(",
  );
}

/** PostgreSQL refuses these inside a transaction. */
const OUTSIDE =
  /^(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|REINDEX .*CONCURRENTLY|VACUUM|ALTER TABLE .*DETACH PARTITION .* CONCURRENTLY)\b/;
const INDEX_ONCE =
  /^(CREATE (UNIQUE )?INDEX CONCURRENTLY (?!IF NOT EXISTS)|DROP INDEX CONCURRENTLY (?!IF EXISTS))/;

function declaredElsewhere(words: string): string[] {
  if (/^ALTER TABLE .*\bROW LEVEL SECURITY\b/.test(words))
    return ["row-level security is declared, not migrated"];
  if (/^ALTER .*\bOWNER TO\b/.test(words)) return [DECLARED_RIGHTS];
  if (/^CREATE SCHEMA .*\b(AUTHORIZATION|GRANT)\b/.test(words)) return [DECLARED_RIGHTS];
  return [];
}

/** A body is a text here; what it would set counts for the statements behind it, too. */
function bodySets({ tokens }: Statement, head: string): boolean {
  const sets = new RegExp(
    `\\b(?:${READING.slice(0, 3).join("|")}|session_authorization|pg_settings)\\b`,
    "i",
  );
  return (
    /^(?:DO|CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE))\b/.test(head) &&
    tokens.some(({ kind, text }) => kind === "string" && sets.test(text))
  );
}

/** An UPDATE of pg_settings is SET by another name, and everybody may write there. */
function writesSettings({ tokens }: Statement): boolean {
  const holds = (pattern: RegExp) => tokens.some(({ kind, text }) => kind !== "string" && pattern.test(text));
  return holds(/^UPDATE$/i) && holds(/^"?pg_settings"?$/i);
}

/** `set_config('role', ...)` is SET ROLE by another name; a name that is not plainly written could be any. */
function setsRole({ tokens }: Statement): boolean {
  return tokens.some(({ kind, text }, at) => {
    if (kind === "string" || !/^"?set_config"?$/i.test(text) || tokens[at + 1]?.text !== "(") return false;
    const setting = /^'([a-z_.]+)'$/i.exec(tokens[at + 2]?.text ?? "")?.[1]?.toLowerCase();
    if (setting === undefined || tokens[at + 3]?.text !== ",") return true;
    return [...ROLES, ...READING].includes(setting);
  });
}
