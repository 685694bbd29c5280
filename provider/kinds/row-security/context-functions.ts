import { CONTEXT_SCHEMA } from "./inputs";

/**
 * The functions of schema `context`. What policies and guards ask answers NULL (`verified` false) unless the setting `app.context`
 * holds a token that is well-formed, signed with a key of context.keys, not ended, and made for the role that the transaction
 * took: current_setting('role') is the outer role inside SECURITY DEFINER too. Never an error, whatever the token is.
 *
 * Rights are checked and policies are chosen when a statement is planned, for the role of that moment, and a role may be changed while
 * the statement runs or between a cursor's FETCHes. So a policy says as a constant whose it is, tenant('role'), and a token of
 * another role is none for it. Without an argument they ask for the token's own role: for guards, audits and defaults.
 *
 * Any expression of a statement may change a setting while the statement runs, between a policy that has been asked and a guard
 * that is still to come. So the first statement of a transaction that writes holds the context: triggers of each table call hold()
 * before the statement and kept() after it. From then on there is one context for all that this transaction writes, and whoever
 * asks for another one gets an error and not an answer: policies, guards and the audit's triggers, also those that are to be
 * written yet.
 *
 * What is held lies in sequences. currval() is of one session alone, and only these functions, as the owner, may call
 * setval(): nobody else can write there. DISCARD SEQUENCES makes it undefined, and every question of that
 * transaction an error. A savepoint does not take it back. Held are the transaction (negative: without a valid context), a random
 * number, and 64 bits of a digest of both it and the context: a context that is held need not be verified again. Another one of the
 * same digest can only be guessed here, try by try, for nobody else knows the number.
 *
 * A key that is taken away is believed by nobody from then on, also not by a snapshot that still has its row: what deletes the row marks
 * it (xmax) where every snapshot reads the mark, committed or not. Whoever holds a context verifies it anew once keys were taken away.
 *
 * Measured (PostgreSQL 17): a context that is held is told in half the time that a token takes to verify. What plpgsql computes without
 * a query it makes ready once a transaction, and a query each time: so the query fetches the key and no more, which saves two fifths of
 * the look. Each expression costs as well, so there are few. A regular expression for the format would take longer than the rest, so
 * the signature is checked first, and then what was signed. The HMAC is
 * two rounds of the built-in sha256 over keys that were padded on our side (RFC 2104): as fast as pgcrypto's, and no function
 * of a schema that others may write to is on the way. Digests are compared by their own digests, so that the time of a comparison
 * tells nothing of the right one.
 */

/** What a context is made of: the token, whose it is, and what audits note of the client. */
export const HELD_SETTINGS = [
  "role",
  "app.context",
  "app.client_address",
  "app.user_agent",
  "app.session_id",
  "request.ip_address",
  "request.user_agent",
] as const;

/** How many times keys were taken away: a sequence, for each transaction sees it as it is, whenever its own snapshot was taken. */
export const KEYS_WITHDRAWN = "keys_withdrawn";

/** Sequences of schema `context`. */
export const HELD_SEQUENCES = [
  "held_transaction",
  "held_nonce",
  "held_digest",
  "held_withdrawn",
  KEYS_WITHDRAWN,
] as const;

const current = (sequence: (typeof HELD_SEQUENCES)[number]) => `currval('${CONTEXT_SCHEMA}.${sequence}')`;

/** A variable of each function that looks at the token. */
const TOKEN = "token text := current_setting('app.context', true);";
/** version, key, role, tenant, subject, expiry, signature */
const part = (number: 1 | 2 | 3 | 4 | 5 | 6 | 7) => `split_part(token, '.', ${number})`;

/** All of these settings are whoever asks' to choose: without a number that he cannot know two of one digest would be found beforehand. */
const DIGEST = `sha256(int8send(${current("held_nonce")}) || array_send(ARRAY[${HELD_SETTINGS.map((name) => `current_setting('${name}', true)`).join(", ")}]))`;

/** Eight bytes as a number. */
const asNumber = (bytes: string) => `('x' || encode(substring(${bytes}, 1, 8), 'hex'))::bit(64)::bigint`;

/** The number of a transaction that has written something, NULL of another one. */
const TRANSACTION = "txid_current_if_assigned()";

/**
 * `context.held` says that currval() is defined in this transaction. Whoever sets it by hand gets an error of currval(). Never
 * NULL, which would have the other side of an AND computed.
 */
const IS_DEFINED = `coalesce(current_setting('context.held', true) = ${TRANSACTION}::text, false)`;

/**
 * Whether this transaction has held a context, whatever `context.held` says: the lock of a sequence stays to the transaction's end,
 * past savepoints too. Costs more, and is asked where rows were locked and nothing is written yet. An exception block would
 * cost less and is not allowed while a query runs in parallel (PostgreSQL 16).
 */
const IS_TOUCHED = `EXISTS (SELECT FROM pg_lock_status() l WHERE l.pid = pg_backend_pid()
      AND l.relation = '${CONTEXT_SCHEMA}.held_transaction'::regclass)`;

const WITHDRAWN = `coalesce(pg_sequence_last_value('${CONTEXT_SCHEMA}.${KEYS_WITHDRAWN}'), 0)`;

const IS_SAME = `int8send(${current("held_digest")}) = substring(${DIGEST}, 1, 8)`;

const LASTS = `${part(6)}::bigint > extract(epoch FROM clock_timestamp())`;

const STILL_HELD = `abs(${current("held_transaction")}) = ${TRANSACTION}
        AND ${IS_SAME}
        AND (${current("held_transaction")} < 0 OR ${LASTS} AND ${current("held_withdrawn")} = ${WITHDRAWN})`;

/** The variables of a function that verifies the token. */
const VARIABLES = `  ${TOKEN}
  inner_pad bytea;
  outer_pad bytea;`;

/** Fetches what the token is verified with: NULL where nobody knows its key. */
const FETCH_KEY = `  SELECT k.inner_pad, k.outer_pad INTO inner_pad, outer_pad FROM ${CONTEXT_SCHEMA}.keys k
    WHERE k.id = ${part(2)} AND k.xmax = 0;`;

/** The role of the session, for whoever asks for no other. */
const OWN_ROLE = "current_setting('role')";

const uuidOrNone = (text: string) =>
  `(${text} = '' OR length(${text}) = 36 AND pg_input_is_valid(${text}, 'uuid'))`;

/**
 * That the token is valid, after FETCH_KEY; false or NULL where it is not. `role`: whose it has to be. What was signed comes last, in
 * the order in which it may be cast. There are seven parts: the signature is the seventh, and nothing follows it but what it signs.
 */
const isValid = (
  role: string,
) => `sha256(convert_to(${part(7)}, 'UTF8')) = sha256(convert_to(encode(sha256(outer_pad
      || sha256(inner_pad || convert_to(left(token, -1 - length(${part(7)})), 'UTF8'))), 'hex'), 'UTF8'))
    AND ${part(1)} = 'v1' AND ${part(3)} = ${role}
    AND pg_input_is_valid(${part(6)}, 'bigint') AND ${LASTS}
    AND ${uuidOrNone(part(4))}
    AND ${uuidOrNone(part(5))}`;

interface Answer {
  name: "role" | "subject" | "tenant" | "verified";
  result: string;
  /** What an invalid context gives, and a valid one. */
  invalid: string;
  valid: string;
}

const ANSWERS: Answer[] = [
  { name: "role", result: "text", invalid: "NULL", valid: part(3) },
  { name: "subject", result: "uuid", invalid: "NULL", valid: `nullif(${part(5)}, '')::uuid` },
  { name: "tenant", result: "uuid", invalid: "NULL", valid: `nullif(${part(4)}, '')::uuid` },
  { name: "verified", result: "boolean", invalid: "false", valid: "true" },
];

/** Definitions exactly as pg_get_functiondef prints them, by signature: `tenant()`. */
export const CONTEXT_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...ANSWERS.map((each): [string, string] => [`${each.name}()`, answer(each)]),
  ...ANSWERS.filter(({ name }) => name !== "role").map((each): [string, string] => [
    `${each.name}(text)`,
    answer(each, "planned"),
  ]),
  ["hold()", hold()],
  ["kept()", kept()],
  ["refuse(boolean)", refuse()],
]);

function header(signature: string, result: string, options = ""): string {
  return `CREATE OR REPLACE FUNCTION ${CONTEXT_SCHEMA}.${signature}
 RETURNS ${result}
 LANGUAGE plpgsql
${options} SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$`;
}

/**
 * Of a transaction that has written something, and not as a superuser, for whom nothing is held: `quick` where the context is held and `holds` is so, in one expression, for each one
 * more is made ready once a transaction; `slow` where one is held, whatever says so.
 */
function whereHeld(holds: string, quick: string, slow: string): string {
  return `  IF ${TRANSACTION} IS NOT NULL AND current_setting('is_superuser') = 'off' THEN
    IF ${IS_DEFINED} AND ${holds} THEN
      RETURN ${quick};
    END IF;
    IF ${IS_TOUCHED} AND abs(${current("held_transaction")}) = ${TRANSACTION} THEN
${slow}
    END IF;
  END IF;`;
}

/** `planned`: the parameter that names the role for which it is asked. */
function answer({ name, result, invalid, valid }: Answer, planned?: "planned"): string {
  const its = planned ? ` AND ${part(3)} = planned` : "";
  return `${header(`${name}(${planned ? "planned text" : ""})`, result, " STABLE PARALLEL RESTRICTED")}
DECLARE
${VARIABLES}
BEGIN
${whereHeld(
  STILL_HELD,
  `CASE WHEN ${current("held_transaction")} > 0${its} THEN ${valid} ELSE ${invalid} END`,
  `      PERFORM ${CONTEXT_SCHEMA}.refuse(${IS_SAME});
      IF ${current("held_transaction")} < 0 THEN
        RETURN ${invalid};
      END IF;`,
)}
${FETCH_KEY}
  RETURN CASE WHEN ${isValid(planned ? "planned" : OWN_ROLE)}
    THEN ${valid} ELSE ${invalid} END;
END
$function$
`;
}

/** Before each statement that writes. Whether it is still the same context, kept() asks, and so does each answer. */
function hold(): string {
  return `${header("hold()", "trigger")}
DECLARE
${VARIABLES}
  mark bigint;
  -- Before the key is looked for: one that is taken away meanwhile counts on.
  withdrawn bigint := ${WITHDRAWN};
  done boolean;
BEGIN
${whereHeld(`abs(${current("held_transaction")}) = ${TRANSACTION}`, "NULL", "      RETURN NULL;")}
${FETCH_KEY}
  mark := CASE WHEN ${isValid(OWN_ROLE)} THEN 1 ELSE -1 END;
  -- In one expression, too.
  done := setval('${CONTEXT_SCHEMA}.held_nonce', ${asNumber("uuid_send(gen_random_uuid())")}) IS NOT NULL
    AND setval('${CONTEXT_SCHEMA}.held_digest', ${asNumber(DIGEST)}) IS NOT NULL
    AND setval('${CONTEXT_SCHEMA}.held_withdrawn', withdrawn) IS NOT NULL
    AND setval('${CONTEXT_SCHEMA}.held_transaction', mark * txid_current()) IS NOT NULL
    AND set_config('context.held', txid_current()::text, true) IS NOT NULL;
  RETURN NULL;
END
$function$
`;
}

/** After each statement that writes: its triggers for rows have been called, and everything is undone if this fails. */
function kept(): string {
  return `${header("kept()", "trigger")}
DECLARE
  ${TOKEN}
BEGIN
${whereHeld(
  STILL_HELD,
  "NULL",
  `      PERFORM ${CONTEXT_SCHEMA}.refuse(${IS_SAME});
      RETURN NULL;`,
)}
  RAISE EXCEPTION 'the context is not held' USING ERRCODE = 'insufficient_privilege',
    HINT = 'Leave the sequences of schema ${CONTEXT_SCHEMA} alone.';
END
$function$
`;
}

/** The errors. Called where a context is held; returns where it is the same one and still valid. */
function refuse(): string {
  return `${header("refuse(same boolean)", "void")}
DECLARE
${VARIABLES}
BEGIN
  IF NOT same THEN
    RAISE EXCEPTION 'the context was changed in a transaction that writes'
      USING ERRCODE = 'insufficient_privilege',
        HINT = 'Set role, app.context and what is said of the client once, after BEGIN; another context takes another transaction.';
  END IF;
  IF ${current("held_transaction")} < 0 THEN
    RETURN;
  END IF;
${FETCH_KEY}
  IF (${isValid(OWN_ROLE)}) IS NOT TRUE THEN
    RAISE EXCEPTION 'the context ended in a transaction that writes'
      USING ERRCODE = 'insufficient_privilege',
        HINT = 'Sign one that ends later, with a key that is not taken away, and begin the transaction again.';
  END IF;
END
$function$
`;
}
