import { createHash } from "node:crypto";
import { quoteIdentifier as id } from "../../../text/postgres";
import { CONTEXT_FUNCTIONS, HELD_SEQUENCES } from "./context-functions";
import { CONTEXT_SCHEMA } from "./inputs";

export const KEYS_TABLE = `CREATE TABLE ${CONTEXT_SCHEMA}.keys (
  id text PRIMARY KEY,
  inner_pad bytea NOT NULL,
  outer_pad bytea NOT NULL
)`;

/** Columns of context.keys as they are read: anything else is drift. */
export const KEYS_COLUMNS = "id text not null, inner_pad bytea not null, outer_pad bytea not null";

/** Every value of a digest; unlogged, for after a crash no session holds anything. */
const SEQUENCE = `bigint MINVALUE ${-(2n ** 63n)} MAXVALUE ${2n ** 63n - 1n} START 1 INCREMENT 1 CACHE 1`;

/** How readContext tells such a sequence. */
const SEQUENCE_DEFINITION = `unlogged ${SEQUENCE}`;

const SEQUENCE_PART = /^sequence (.+)$/;

/** What schema `context` holds, each with a fingerprint of how it is defined and who owns it. */
export function contextFingerprints(owner: string): Record<string, string> {
  return {
    keys: fingerprint(owner, KEYS_COLUMNS),
    ...Object.fromEntries(
      HELD_SEQUENCES.map((name) => [`sequence ${name}`, fingerprint(owner, SEQUENCE_DEFINITION)]),
    ),
    ...Object.fromEntries(
      [...CONTEXT_FUNCTIONS].map(([signature, text]) => [signature, fingerprint(owner, text)]),
    ),
    schema: fingerprint(owner, ""),
  };
}

export function fingerprint(owner: string, definitionText: string): string {
  return createHash("sha256").update(`${owner}\0${definitionText}`).digest("hex").slice(0, 16);
}

/** The statements that give one part of the schema its declared form. */
export function contextStatements(part: string, owner: string, found: string | undefined): string[] {
  const schema = id(CONTEXT_SCHEMA);
  if (part === "schema") {
    const made = found === undefined ? [`CREATE SCHEMA ${schema}`] : [];
    return [...made, `ALTER SCHEMA ${schema} OWNER TO ${id(owner)}`];
  }
  if (part === "keys") {
    // Keys are written again anyway: nothing in it is worth keeping.
    const dropped = found === undefined ? [] : [`DROP TABLE ${schema}.keys`];
    return [...dropped, KEYS_TABLE, `ALTER TABLE ${schema}.keys OWNER TO ${id(owner)}`];
  }
  const sequence = sequenceOf(part);
  if (sequence !== undefined && part in contextFingerprints(owner)) {
    const dropped = found === undefined ? [] : [dropPart(part)];
    const made = [
      `CREATE UNLOGGED SEQUENCE ${sequence} AS ${SEQUENCE}`,
      `ALTER SEQUENCE ${sequence} OWNER TO ${id(owner)}`,
    ];
    return [...dropped, ...made];
  }
  const text = CONTEXT_FUNCTIONS.get(part);
  if (!text) return [dropPart(part)];
  return [text, `ALTER FUNCTION ${schema}.${part} OWNER TO ${id(owner)}`];
}

/** Of a function or a sequence. */
export function dropPart(part: string): string {
  const sequence = sequenceOf(part);
  return sequence === undefined ? `DROP ROUTINE ${CONTEXT_SCHEMA}.${part}` : `DROP SEQUENCE ${sequence}`;
}

function sequenceOf(part: string): string | undefined {
  const [, name] = SEQUENCE_PART.exec(part) ?? [];
  return name === undefined ? undefined : `${id(CONTEXT_SCHEMA)}.${id(name)}`;
}
