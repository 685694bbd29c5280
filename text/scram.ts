import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/**
 * SCRAM-SHA-256 verifiers as PostgreSQL keeps them (RFC 5802, 7677):
 * `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, the last three in base64. The server stores a verifier
 * as it is given one, so the clear password never leaves this process.
 */

const derive = promisify(pbkdf2);
const ITERATIONS = 4096;
/** More could only be meant to keep us busy. */
const MOST_ITERATIONS = 1_000_000;

/** A verifier of the password with a fresh random salt of 16 bytes. */
export function scramVerifier(password: string): Promise<string> {
  return verifierOf(password, randomBytes(16), ITERATIONS);
}

/**
 * Whether the stored verifier is one of this password: recomputed with the salt and the iterations stored in it, as
 * two verifiers of one password are unlike. false for anything else (md5, null, foreign text).
 */
export async function verifies(stored: string | null, password: string): Promise<boolean> {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/=]+)\$/.exec(stored ?? "") ?? [];
  if (!stored || !iterations || !salt || Number(iterations) > MOST_ITERATIONS || Number(iterations) < 1)
    return false;
  const again = Buffer.from(await verifierOf(password, Buffer.from(salt, "base64"), Number(iterations)));
  const there = Buffer.from(stored);
  return again.length === there.length && timingSafeEqual(again, there);
}

/**
 * A verifier whose salt follows from the password and `purpose`, so that the same password gives the same text and a run without changes
 * changes nothing. The salt is stretched like the password itself, and so tells a thief no more than the verifier does.
 */
export function steadyVerifier(password: string, purpose: string): string {
  const stretch = (salt: string | Buffer, length: number) =>
    pbkdf2Sync(password, salt, ITERATIONS, length, "sha256");
  const salt = stretch(purpose, 16);
  return written(stretch(salt, 32), salt, ITERATIONS);
}

async function verifierOf(password: string, salt: Buffer, iterations: number): Promise<string> {
  return written(await derive(password, salt, iterations, 32, "sha256"), salt, iterations);
}

function written(salted: Buffer, salt: Buffer, iterations: number): string {
  const hmac = (text: string) => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(hmac("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${hmac("Server Key").toString("base64")}`;
}
