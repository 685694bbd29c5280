import type { DatabaseEntry } from "../../../estate/types";

/** All 256 values of a byte, in their order: what a wrong character set, a lost zero or a cut-off changes. */
export const CANARY_HEX = Buffer.from(Array.from({ length: 256 }, (_, value) => value)).toString("hex");

/** Characters of one to four bytes, signs that SQL quotes, and a line end. Without NUL, which text on PostgreSQL cannot hold. */
export const CANARY_TEXT = "Grüße ñ € \u{1d11e} \u{1f418} \u{10ffff} ' \" \\ ` % _ \t|\n;--";

export const CANARY_TEXT_HEX = Buffer.from(CANARY_TEXT).toString("hex");

/** What reads the canary of a database as one line of hex; undefined: none of its columns can hold it. */
export function canaryQuery({ name, engine, schema }: DatabaseEntry): string | undefined {
  if (schema.owner === "program") return PROGRAM[name];
  return engine === "mariadb"
    ? `SELECT LOWER(CONCAT(HEX(bytes), HEX(words))) FROM \`${name}\`.drill_canary`
    : "SELECT encode(bytes, 'hex') || encode(convert_to(words, 'UTF8'), 'hex') FROM public.drill_canary";
}

/** Bytes and text in the tables of an application, bytes alone in those of the program. */
export function canaryExpected({ schema }: DatabaseEntry): string {
  return schema.owner === "program" ? CANARY_HEX : CANARY_HEX + CANARY_TEXT_HEX;
}

/** Where the program's tables have columns of bytes: eight hashes of 32, sixteen ids of 16, or one ciphertext. */
const PROGRAM: Record<string, string> = {
  mo_votes:
    "SELECT GROUP_CONCAT(LOWER(HEX(id)) ORDER BY id SEPARATOR '') FROM mo_votes.ballots WHERE poll_id = 9000",
  mo_newsletter:
    "SELECT LOWER(HEX(email_encrypted)) FROM mo_newsletter.subscribers WHERE email_hash = SHA2('drill canary', 256)",
  mcp_portal:
    "SELECT string_agg(encode(token_hash, 'hex'), '' ORDER BY token_hash) FROM public.user_sessions WHERE user_agent = 'drill canary'",
  mcp_admin:
    "SELECT string_agg(encode(token_hash, 'hex'), '' ORDER BY token_hash) FROM public.sessions WHERE user_agent = 'drill canary'",
  ncy8: "SELECT string_agg(encode(refresh_token_hash, 'hex'), '' ORDER BY refresh_token_hash) FROM public.sessions WHERE user_agent = 'drill canary'",
};
