import type { DatabaseError } from "pg";
import { notShown, oneLine } from "./words";

/** What of the driver's error a rule looks at. `severity` only where the server said it; `routine` no SQL can set. */
type Refusal = Partial<Omit<DatabaseError, "message" | "name">> & { message: string; name?: string };

/** Errors whose text somebody wrote, whatever SQLSTATE they gave it: PL/pgSQL's statements, and what another server said. */
const WRITTEN = new Set([
  "exec_stmt_raise",
  "exec_stmt_assert",
  "dblink_res_error",
  "pgfdw_report_error",
  "pgfdw_report",
]);

/**
 * Classes of SQLSTATE whose messages name objects, settings and sizes: features, transactions, logins, catalogue, syntax, constraints,
 * limits, what an operator or the system did. Not here: 22 (data), P0 (functions), 38 and 39 (other languages), XX (internal).
 */
const NAMES_ONLY = /^(08|0A|0B|0L|0P|20|21|23|24|25|26|27|28|2B|2D|34|3B|3D|3F|40|42|44|53|54|55|57|58)/;

/** Of class 42 what says that an object is there: its name is the catalogue's, and not a value that somebody took for a name. */
const OF_THE_CATALOGUE = new Set(["42501", "42701", "42710", "42723", "42P04", "42P06", "42P07", "42809"]);

/** Internal errors that are told apart by their words (provider/kinds/postgres/queue.ts). */
const INTERNAL =
  /^(tuple concurrently (updated|deleted)|could not open relation with OID \d+|cache lookup failed for [a-z ]+ \d+|invalid memory alloc request size \d+)$/;

/** Details that list objects and sessions: what still depends on a role, who is in a database. */
const DETAILED = new Set(["2BP01", "55006"]);

/**
 * What may be said of an error of PostgreSQL or of its driver: names of objects and what is wrong with them, never a value of a row,
 * a password's verifier or a statement. A service writes functions, so its own words are not shown. components/agent/errors.sh is
 * the same for the clients.
 */
export function postgresWords(error: Refusal): string {
  if (error.severity === undefined) return driverWords(error);
  const said = written(error) ? undefined : serverWords(error);
  return said === undefined ? notShown(`SQLSTATE ${error.code}`, objectsOf(error)) : said;
}

/** The server's DETAIL where it lists objects; undefined elsewhere, for it shows rows. */
export function postgresDetail(error: Refusal): string | undefined {
  const listed = DETAILED.has(error.code ?? "") && !written(error);
  return listed && error.detail !== undefined ? error.detail : undefined;
}

/** SCRAM verifiers that a server might quote back in an error. */
function withoutVerifiers(text: string): string {
  return text.replace(/SCRAM-SHA-256\$[^\s'"]*/g, "SCRAM-SHA-256$...");
}

function written({ routine }: Refusal): boolean {
  return WRITTEN.has(routine ?? "");
}

function driverWords({ message, name }: Refusal): string {
  // Of a value that the driver cannot read, it quotes the beginning.
  return name === "SyntaxError" ? notShown("the driver cannot read it") : withoutVerifiers(message);
}

function serverWords({ message, code = "", where = "", internalQuery }: Refusal): string | undefined {
  const text = oneLine(message);
  if (code.startsWith("22")) return dataWords(text);
  if (code.startsWith("XX")) return INTERNAL.test(text) ? text : undefined;
  if (!NAMES_ONLY.test(code)) return undefined;
  // Text that a function puts together may have a value where a name belongs.
  const inFunction = internalQuery !== undefined || /\bfunction\b/.test(where);
  if (inFunction && /^(42|3D|3F)/.test(code) && !OF_THE_CATALOGUE.has(code)) return undefined;
  return withoutVerifiers(text.replace(/ at or near ".*/, ""));
}

/** `invalid input syntax for type integer: "4711"` without the value; undefined where it is not known to be gone. */
function dataWords(text: string): string | undefined {
  const parameter =
    /^(invalid value for parameter "[A-Za-z0-9_.]+"|parameter "[A-Za-z0-9_.]+" [a-z ]+$)/.exec(text);
  if (parameter) return parameter[0];
  const range = /^value ".*" is (out of range for type [a-z ]+)$/.exec(text);
  if (range) return `value ${range[1]}`;
  const before = text.replace(/[:"'].*$/, "").trim();
  // A number on its own may be the value; in `bit(4)` and `int4` it is part of a name.
  return before === "" || /(?<![A-Za-z_(,])\d/.test(before) ? undefined : before;
}

/** The names that a message of the server carries beside its text. Of a written one nothing is known. */
function objectsOf(error: Refusal): string[] {
  if (written(error)) return [];
  const { schema, table, column, constraint, dataType } = error;
  const named = (kind: string, name: string | undefined) => (name ? [`${kind} ${oneLine(name)}`] : []);
  return [
    ...named("table", table && schema ? `${schema}.${table}` : table),
    ...named("column", column),
    ...named("constraint", constraint),
    ...named("type", dataType),
  ];
}
