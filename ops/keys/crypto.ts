import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";

/**
 * The keys above the database. None of them is ever sent to it but `teamKey`, as a bind parameter of seal_secret and
 * open_secret. Written down for other languages in docs/encryption-keys.md; test/unit/ops/keys has fixed vectors.
 */

const NONCE = 12;
const KEY = 32;
const TAG = 16;

/** A wrapped key that does not open: another wrapping key, another database or version, or a changed byte. */
export class WrongKey extends Error {}

/** Wraps the data keys of one database. Made from a secret of the stack; never leaves this process. */
export interface WrappingKey {
  database: string;
  key: Buffer;
  /** 16 hex digits: tells wrapping keys apart, and nothing of them. */
  fingerprint: string;
}

export function wrappingKey(database: string, secret: string): WrappingKey {
  const key = hmac(Buffer.from(secret, "utf8"), `estate:wrapping-key:${database}`);
  const fingerprint = createHash("sha256")
    .update("estate:fingerprint:")
    .update(key)
    .digest("hex")
    .slice(0, 16);
  return { database, key, fingerprint };
}

/** Newest first: new versions are wrapped with the first, older ones open with whichever they were wrapped with. */
export type Keyring = readonly [WrappingKey, ...WrappingKey[]];

/** @param secrets of the stack, newest first */
export function keyring(database: string, secrets: readonly string[]): Keyring {
  const [newest, ...older] = secrets.map((secret) => wrappingKey(database, secret));
  if (!newest) throw new WrongKey(`the stack has no wrapping secret for ${database}`);
  return [newest, ...older];
}

export const newDataKey = (): Buffer => randomBytes(KEY);

/** Nonce, ciphertext and tag: 60 bytes, AES-256-GCM. Bound to database and version: a row moved elsewhere does not open. */
export function wrap(wrapping: WrappingKey, version: number, dataKey: Buffer): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", wrapping.key, nonce, { authTagLength: TAG });
  cipher.setAAD(boundTo(wrapping, version));
  return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
}

/** The data key. Throws WrongKey. */
export function unwrap(wrapping: WrappingKey, version: number, wrapped: Buffer): Buffer {
  if (wrapped.length !== NONCE + KEY + TAG) throw new WrongKey(`key version ${version} has a wrong length`);
  const cipher = createDecipheriv("aes-256-gcm", wrapping.key, wrapped.subarray(0, NONCE), {
    authTagLength: TAG,
  });
  cipher.setAAD(boundTo(wrapping, version));
  cipher.setAuthTag(wrapped.subarray(NONCE + KEY));
  try {
    return Buffer.concat([cipher.update(wrapped.subarray(NONCE, NONCE + KEY)), cipher.final()]);
  } catch {
    throw new WrongKey(`key version ${version} was wrapped with another key, or was changed`);
  }
}

/** What the database gets: opens the settings of one team under one version, and nothing else. */
export function teamKey(dataKey: Buffer, team: string): Buffer {
  return hmac(dataKey, `team:${team.toLowerCase()}`);
}

/** Unwraps with the key that the fingerprint names. Throws WrongKey. */
export function unwrapWith(
  keys: Keyring,
  { version, wrapped, wrappedWith }: { version: number; wrapped: Buffer; wrappedWith: string },
): Buffer {
  const wrapping = keys.find(({ fingerprint }) => fingerprint === wrappedWith);
  if (wrapping) return unwrap(wrapping, version, wrapped);
  const held = keys.map(({ fingerprint }) => fingerprint).join(", ");
  throw new WrongKey(`key version ${version} was wrapped with ${wrappedWith}, and the stack has ${held}`);
}

function boundTo({ database }: WrappingKey, version: number): Buffer {
  return Buffer.from(`${database}:${version}`, "utf8");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}
