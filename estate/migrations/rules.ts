import type { Engine } from "../types";
import type { Statement } from "./split";
import type { Script } from "./types";

/** What a migration may not hold. Each rule says what to do instead. */
interface Rule {
  /** Of the statement's first words, upper case, single blanks. */
  matches: RegExp;
  fix: string;
}

const TRANSACTIONS =
  "the transaction is this program's: a file is one, or has `-- estate: no-transaction` as its first line";
const DECLARED_RIGHTS = "roles and rights are declared, not migrated: see docs/least-privilege.md";

const RULES: Record<Engine, Rule[]> = {
  postgres: [
    {
      matches: /^(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE TRANSACTION)\b/,
      fix: TRANSACTIONS,
    },
    {
      matches:
        /^(SET (LOCAL |SESSION )?(ROLE|AUTHORIZATION|SESSION AUTHORIZATION)|RESET (ROLE|ALL|SESSION)|DISCARD)\b/,
      fix: "a migration runs as the database's owner and stays it",
    },
    { matches: /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|REASSIGN|DROP OWNED)\b/, fix: DECLARED_RIGHTS },
    { matches: /^(CREATE|ALTER|DROP) (ROLE|USER|GROUP)\b/, fix: DECLARED_RIGHTS },
    {
      matches: /^(CREATE|ALTER|DROP) (DATABASE|TABLESPACE|EXTENSION)\b/,
      fix: "the catalogue declares databases and their extensions",
    },
    {
      matches: /^((CREATE|ALTER|DROP) POLICY\b|ALTER TABLE .*\bROW LEVEL SECURITY$)/,
      fix: "row-level security is declared, not migrated",
    },
    { matches: /^ALTER SYSTEM\b/, fix: "the server's settings are declared with the server" },
    { matches: /^COPY .*\b(STDIN|STDOUT|PROGRAM)\b/, fix: "write the rows as INSERT" },
  ],
  mariadb: [
    {
      matches: /^(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|XA|SET (SESSION )?AUTOCOMMIT)\b/,
      fix: "each statement commits by itself: leave it out",
    },
    { matches: /^(LOCK|UNLOCK) TABLES?\b/, fix: "migrations of a database run one at a time: leave it out" },
    { matches: /^(GRANT|REVOKE|SET PASSWORD|SET (DEFAULT )?ROLE)\b/, fix: DECLARED_RIGHTS },
    { matches: /^(CREATE|ALTER|DROP|RENAME)( OR REPLACE)? (USER|ROLE)\b/, fix: DECLARED_RIGHTS },
    {
      matches: /^(USE|(CREATE|ALTER|DROP)( OR REPLACE)? (DATABASE|SCHEMA))\b/,
      fix: "the catalogue declares databases; a migration stays in its own",
    },
    { matches: /^LOAD\b/, fix: "write the rows as INSERT" },
    {
      matches: /\bDEFINER =/,
      fix: "leave DEFINER out: it is the admin, whose host differs from server to server",
    },
    {
      matches: /^CREATE OR REPLACE (TEMPORARY )?TABLE\b/,
      fix: "it drops the rows that are there: use CREATE TABLE IF NOT EXISTS",
    },
    {
      matches: /^CREATE (TEMPORARY )?TABLE (?!IF NOT EXISTS)/,
      fix: "a repeated step must not fail: CREATE TABLE IF NOT EXISTS",
    },
    {
      matches: /^CREATE (UNIQUE |FULLTEXT |SPATIAL )?INDEX (?!IF NOT EXISTS)/,
      fix: "a repeated step must not fail: CREATE INDEX IF NOT EXISTS",
    },
    {
      matches: /^CREATE (VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT)\b/,
      fix: "a repeated step must not fail: CREATE OR REPLACE",
    },
    {
      matches:
        /^DROP (TEMPORARY )?(TABLE|INDEX|VIEW|TRIGGER|PROCEDURE|FUNCTION|EVENT|SEQUENCE) (?!IF EXISTS)/,
      fix: "a repeated step must not fail: DROP ... IF EXISTS",
    },
    {
      matches: /^RENAME TABLES? (?!IF EXISTS)/,
      fix: "a repeated step must not fail: RENAME TABLE IF EXISTS",
    },
  ],
};

/** PostgreSQL refuses these inside a transaction. */
const OUTSIDE =
  /^(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|REINDEX .*CONCURRENTLY|VACUUM|ALTER TABLE .*DETACH PARTITION .* CONCURRENTLY)\b/;
const INDEX_ONCE =
  /^(CREATE (UNIQUE )?INDEX CONCURRENTLY (?!IF NOT EXISTS)|DROP INDEX CONCURRENTLY (?!IF EXISTS))/;

/** Everything that is wrong with one file's statements, each with its line. */
export function faultsOf(script: Script, engine: Engine): { line: number; fix: string }[] {
  return script.statements.flatMap((statement) => {
    const head = headOf(statement);
    const fixes = RULES[engine].filter(({ matches }) => matches.test(head)).map(({ fix }) => fix);
    if (engine === "mariadb") fixes.push(...alterFaults(statement, head));
    else if (script.transactional && OUTSIDE.test(head)) {
      fixes.push(
        "cannot run in a transaction: give it a file of its own with `-- estate: no-transaction` as its first line",
      );
    } else if (!script.transactional && INDEX_ONCE.test(head)) {
      fixes.push("a repeated step must not fail: add IF NOT EXISTS, or IF EXISTS to a DROP");
    }
    return fixes.map((fix) => ({ line: statement.line, fix: `${clip(head)}: ${fix}` }));
  });
}

function clip(head: string): string {
  return head.length > 60 ? `${head.slice(0, 57)}...` : head;
}

const LONGEST_HEAD = 40;

/** The first words, names as they stand, up to where a value or a body begins. */
function headOf({ tokens }: Statement): string {
  const words: string[] = [];
  for (const { kind, text } of tokens.slice(0, LONGEST_HEAD)) {
    if (kind === "string") break;
    words.push(kind === "word" ? text.toUpperCase() : text);
  }
  return words.join(" ");
}

/** ALTER TABLE takes several clauses; each that adds or drops something has to bear being repeated. */
function alterFaults(statement: Statement, head: string): string[] {
  if (!/^ALTER (ONLINE |IGNORE )?TABLE\b/.test(head)) return [];
  return clausesOf(statement).flatMap((clause) => {
    if (/\bADD\b(?! PARTITION)/.test(clause) && !/\bIF NOT EXISTS\b/.test(clause)) {
      return ["a repeated step must not fail: ADD ... IF NOT EXISTS"];
    }
    if (/\bDROP (?!PRIMARY|DEFAULT)/.test(clause) && !/\bIF EXISTS\b/.test(clause)) {
      return ["a repeated step must not fail: DROP ... IF EXISTS"];
    }
    return [];
  });
}

/** Split at the commas outside parentheses. */
function clausesOf({ tokens }: Statement): string[] {
  const clauses = [""];
  let depth = 0;
  for (const { kind, text } of tokens) {
    if (text === "(") depth++;
    if (text === ")") depth--;
    if (depth === 0 && text === ",") clauses.push("");
    else if (depth === 0 && kind !== "string" && kind !== "name") {
      clauses.push(`${clauses.pop()} ${text.toUpperCase()}`);
    }
  }
  return clauses;
}
