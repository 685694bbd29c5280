import { createHash } from "node:crypto";
import type { PostgresConnection } from "../../../connect/postgres";
import { KEYS_WITHDRAWN } from "./context-functions";
import { CONTEXT_SCHEMA, NOT_OURS } from "./inputs";

/** Length of a block of SHA-256, in bytes: a key is padded to it. */
const BLOCK = 64;

/** What context.keys holds of a key (RFC 2104): as secret as the key itself. */
function pads(secret: string): { inner: string; outer: string } {
  const key = Buffer.alloc(BLOCK);
  key.write(secret, "utf8");
  const padded = (byte: number) => `\\x${Buffer.from(key.map((each) => each ^ byte)).toString("hex")}`;
  return { inner: padded(0x36), outer: padded(0x5c) };
}

/** What is compared in place of a key, which never leaves the server: `\x`-less hex of SHA-256 over both pads. */
function digest(secret: string): string {
  const { inner, outer } = pads(secret);
  const bytes = Buffer.from(inner.slice(2) + outer.slice(2), "hex");
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The keys on the server, `NOT_OURS` for each that is not the declared one of this id, or that the context's functions do not believe
 * for the mark of a deletion that was undone, or of a lock. The table must be there.
 */
export async function readKeys(
  connection: PostgresConnection,
  declared: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const rows = await connection.query<{ id: string; digest: string }>(
    `SELECT id, CASE WHEN xmax = 0 THEN encode(sha256(inner_pad || outer_pad), 'hex') ELSE 'marked' END AS digest
     FROM ${CONTEXT_SCHEMA}.keys ORDER BY id`,
  );
  return Object.fromEntries(
    rows.map((row) => {
      const secret = Object.hasOwn(declared, row.id) ? declared[row.id] : undefined;
      return [row.id, secret !== undefined && digest(secret) === row.digest ? secret : NOT_OURS];
    }),
  );
}

/**
 * Whatever a server could be told to write down of a statement and its parameters, switched off for the rest of the
 * transaction. Only a superuser may; another admin is refused before a key is on its way.
 */
const UNLOGGED = {
  log_statement: "none",
  log_duration: "off",
  log_min_duration_statement: "-1",
  log_min_duration_sample: "-1",
  log_transaction_sample_rate: "0",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  log_min_error_statement: "panic",
  debug_print_parse: "off",
  debug_print_rewritten: "off",
  debug_print_plan: "off",
  "auto_explain.log_min_duration": "-1",
  "pgaudit.log": "none",
};

/**
 * Makes context.keys what is declared, inside the caller's transaction and as its last statements. A key travels as a parameter:
 * pg_stat_statements and pg_stat_activity show the statement alone.
 */
export async function writeKeys(
  connection: PostgresConnection,
  declared: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Promise<void> {
  const withdrawn = Object.keys(found).filter((key) => declared[key] !== found[key]);
  const wrong = Object.entries(declared).filter(([key, secret]) => found[key] !== secret);
  if (withdrawn.length > 0) await withdrawKeys(connection, withdrawn);
  if (wrong.length === 0) return;
  const settings = Object.entries(UNLOGGED).map(([name, value]) => `SET LOCAL ${name} = '${value}'`);
  await connection.query(settings.join("; "));
  for (const [key, secret] of wrong) {
    const { inner, outer } = pads(secret);
    await connection.query(
      `INSERT INTO ${CONTEXT_SCHEMA}.keys (id, inner_pad, outer_pad) VALUES ($1, $2::bytea, $3::bytea)`,
      [key, inner, outer],
    );
  }
}

/**
 * Takes keys away, from every transaction at once. The row that follows one under its id is a new row: what is updated by ON CONFLICT
 * is marked as one that was deleted.
 */
export async function withdrawKeys(connection: PostgresConnection, keys: readonly string[]): Promise<void> {
  await connection.query(`DELETE FROM ${CONTEXT_SCHEMA}.keys WHERE id = ANY ($1)`, [keys]);
  // Afterwards: whoever looks for the key before this counts on it, and looks again.
  await connection.query(`SELECT nextval('${CONTEXT_SCHEMA}.${KEYS_WITHDRAWN}')`);
}
