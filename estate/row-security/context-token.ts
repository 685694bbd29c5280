import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * The signed context: who works, in which role, for how long. An application signs one for each request and gives it to the
 * transaction; the database believes nothing else. One line of text:
 *
 *   v1.<key id>.<role>.<tenant uuid or empty>.<subject uuid or empty>.<expiry>.<signature>
 *
 * `expiry`: whole seconds since 1970. `signature`: HMAC-SHA-256 in lower-case hex over everything before the last dot, its
 * key the text of the signing key in UTF-8. Copy this file into an application that is written in TypeScript: it needs
 * nothing but Node.
 */

const VERSION = "v1";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const KEY_ID = /^[a-z0-9]{1,16}$/;
const ROLE = /^[a-z_][a-z0-9_]{0,62}$/;
const EXPIRY = /^[0-9]{1,11}$/;
/** Longer ones would be hashed first, which the database's side does not do. */
const KEY_LENGTH = { least: 32, most: 64 };

export interface SigningKey {
  /** `k1`: says which of the keys that are valid at once made the signature. */
  id: string;
  /** 32 to 64 characters of ASCII. */
  secret: string;
}

export interface Claims {
  /** Role of the database that the transaction takes: `mcp_portal_member`. */
  role: string;
  /** uuid in lower case; left out where the role works for no tenant. */
  tenant?: string;
  /** uuid of the user; left out where nobody in particular works. */
  subject?: string;
  /** A minute from now is plenty: a statement after it sees no row. */
  expires: Date;
}

/** Reads what the secret `<DATABASE>_CONTEXT_KEY` holds: `k3:<key>`. Throws a TypeError that does not repeat it. */
export function signingKey(text: string): SigningKey {
  const at = text.indexOf(":");
  const key = { id: text.slice(0, at), secret: text.slice(at + 1).trimEnd() };
  demand(at > 0 && KEY_ID.test(key.id) && isKey(key.secret), "the context key", "k1:<32 to 64 characters>");
  return key;
}

/** Throws a TypeError that names the field, never the key. */
export function signContext(key: SigningKey, { role, tenant, subject, expires }: Claims): string {
  const fields = [VERSION, key.id, role, tenant ?? "", subject ?? "", String(secondsOf(expires))];
  const [, id, , , , expiry] = fields as [string, string, string, string, string, string];
  demand(KEY_ID.test(id), "key.id", "1 to 16 lower-case letters and digits");
  demand(isKey(key.secret), "key.secret", `${KEY_LENGTH.least} to ${KEY_LENGTH.most} characters of ASCII`);
  demand(ROLE.test(role), "role", "a role's name: lower-case letters, digits and _");
  demand(tenant === undefined || UUID.test(tenant), "tenant", "a uuid in lower case, or left out");
  demand(subject === undefined || UUID.test(subject), "subject", "a uuid in lower case, or left out");
  demand(EXPIRY.test(expiry), "expires", "a time after 1970");
  const payload = fields.join(".");
  return `${payload}.${signature(key.secret, payload)}`;
}

/**
 * The claims, or undefined for whatever the database would not believe either: not well-formed, an unknown key, another
 * signature, an end that has passed, another role.
 * @param keys secrets by id; two may be valid at once
 * @param role that the transaction took
 */
export function verifyContext(
  token: string,
  keys: Readonly<Record<string, string>>,
  role: string,
  now = new Date(),
): Claims | undefined {
  const parts = token.split(".");
  if (parts.length !== 7) return undefined;
  const [version, id, named, tenant, subject, expiry, given] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const secret = Object.hasOwn(keys, id) ? keys[id] : undefined;
  if (version !== VERSION || named !== role || secret === undefined) return undefined;
  if (!sameText(given, signature(secret, parts.slice(0, -1).join(".")))) return undefined;
  if (!EXPIRY.test(expiry) || Number(expiry) * 1000 <= now.getTime()) return undefined;
  if ([tenant, subject].some((uuid) => uuid !== "" && !UUID.test(uuid))) return undefined;
  return {
    role,
    ...(tenant === "" ? {} : { tenant }),
    ...(subject === "" ? {} : { subject }),
    expires: new Date(Number(expiry) * 1000),
  };
}

/** What a key must be, here and in the database. */
export function isKey(secret: string): boolean {
  return (
    /^[\x21-\x7e]+$/.test(secret) && secret.length >= KEY_LENGTH.least && secret.length <= KEY_LENGTH.most
  );
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function signature(secret: string, payload: string): string {
  return createHmac("sha256", secret).update(payload).digest("hex");
}

/** In a time that does not depend on where they differ. */
function sameText(given: string, right: string): boolean {
  const one = Buffer.from(given);
  const other = Buffer.from(right);
  return one.length === other.length && timingSafeEqual(one, other);
}

function demand(holds: boolean, field: string, what: string): void {
  if (!holds) throw new TypeError(`${field} must be ${what}`);
}
