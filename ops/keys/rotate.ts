import type { PostgresConnection } from "../../connect/postgres";
import { type Keyring, newDataKey, teamKey, unwrapWith, wrap } from "./crypto";
import {
  addKey,
  lockOldSettings,
  type OldSetting,
  readKeys,
  reseal,
  retireActive,
  retireKey,
  type StoredKey,
} from "./store";

/** A way to work in the database: each transaction as an identity that may rotate keys. */
export interface KeySession {
  connection: PostgresConnection;
  transaction<T>(work: () => Promise<T>): Promise<T>;
}

export interface RotateOptions {
  /** Settings sealed anew in one transaction: so long a writer may have to wait for one. */
  batch: number;
  /** Stops between two batches. What is done stays done; the next rotation goes on from there. */
  signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

export interface Rotation {
  /** The version that is active now. */
  version: number;
  /** An earlier rotation had not ended: no new version was made. */
  resumed: boolean;
  resealed: number;
  /** Versions that were destroyed. */
  retired: number[];
  /** Settings that do not open; their version stays. */
  broken: string[];
  /** false: stopped by the signal. */
  finished: boolean;
}

/** Another rotation holds the lock. */
export class AlreadyRotating extends Error {}

const DAMAGED = "XX001";
const STILL_NEEDED = "23503";
/** Of pg_try_advisory_lock; "keys" in ASCII. */
const LOCK = 0x6b657973;

/**
 * Makes the next version, seals every setting anew, destroys the old version. Readers and writers go on: both versions open
 * meanwhile, and what a writer still seals under the old one is found before that one goes. Throws AlreadyRotating, WrongKey,
 * PostgresError (55P03: a writer held a setting for ten seconds).
 */
export async function rotateKeys(
  session: KeySession,
  keys: Keyring,
  options: RotateOptions,
): Promise<Rotation> {
  const { connection } = session;
  const [lock] = await connection.query<{ mine: boolean }>("SELECT pg_try_advisory_lock($1) AS mine", [LOCK]);
  if (!lock?.mine) throw new AlreadyRotating("another rotation is at work in this database");
  try {
    const begun = await session.transaction(() => nextVersion(connection, keys));
    return await finish(session, keys, options, begun);
  } finally {
    if (connection.alive) await connection.query("SELECT pg_advisory_unlock($1)", [LOCK]);
  }
}

interface Begun {
  versions: StoredKey[];
  resumed: boolean;
}

/** A rotation that has not ended is gone on with; only otherwise a version is made. */
async function nextVersion(connection: PostgresConnection, keys: Keyring): Promise<Begun> {
  const before = await readKeys(connection);
  // Nothing is begun that could not be finished.
  for (const key of before) if (isThere(key)) unwrapWith(keys, key);
  if (before.some(({ state }) => state === "retiring")) return { versions: before, resumed: true };
  const version = Math.max(0, ...before.map((key) => key.version)) + 1;
  await retireActive(connection);
  const wrapped = wrap(keys[0], version, newDataKey());
  await addKey(connection, { version, wrappedWith: keys[0].fingerprint, wrapped });
  return { versions: await readKeys(connection), resumed: false };
}

function isThere(key: StoredKey): key is StoredKey & { wrapped: Buffer } {
  return key.wrapped !== undefined;
}

async function finish(
  session: KeySession,
  keys: Keyring,
  { batch, signal, onProgress }: RotateOptions,
  { versions, resumed }: Begun,
): Promise<Rotation> {
  const there = versions.filter(isThere);
  const active = there.find(({ state }) => state === "active");
  if (!active)
    throw new Error("no key version is active, though one is retiring: the table was changed by hand");
  const to = { version: active.version, key: unwrapWith(keys, active) };
  const retiring = there.filter(({ state }) => state === "retiring");
  const total = retiring.reduce((sum, { settings }) => sum + settings, 0);
  const result: Rotation = {
    version: to.version,
    resumed,
    resealed: 0,
    retired: [],
    broken: [],
    finished: true,
  };
  onProgress(0, total);
  for (const old of retiring) {
    const from = { version: old.version, key: unwrapWith(keys, old) };
    const broken: string[] = [];
    for (;;) {
      if (signal.aborted) return { ...result, broken: [...result.broken, ...broken], finished: false };
      const done = await oneBatch(session, from, to, batch, broken);
      result.resealed += done.resealed;
      broken.push(...done.broken);
      onProgress(result.resealed, Math.max(total, result.resealed));
      if (done.resealed + done.broken.length > 0) continue;
      if (broken.length > 0) break;
      if (await retire(session, old.version)) {
        result.retired.push(old.version);
        break;
      }
    }
    result.broken.push(...broken);
  }
  return result;
}

interface Version {
  version: number;
  key: Buffer;
}

async function oneBatch(
  session: KeySession,
  from: Version,
  to: Version,
  most: number,
  skip: readonly string[],
): Promise<{ resealed: number; broken: string[] }> {
  const { connection } = session;
  return session.transaction(async () => {
    await connection.query("SET LOCAL lock_timeout = '10s'");
    const settings = await lockOldSettings(connection, from.version, most, skip);
    if (settings.length === 0) return { resealed: 0, broken: [] };
    const attempt = (some: readonly OldSetting[]) => {
      const teams = [...new Set(some.map(({ team }) => team))];
      const keys = teams.map((team) => ({ team, from: teamKey(from.key, team), to: teamKey(to.key, team) }));
      const versions = { from: from.version, to: to.version };
      const ids = some.map(({ id }) => id);
      return savepoint(connection, () => reseal(connection, ids, versions, keys));
    };
    const all = await attempt(settings);
    if (all !== "damaged") return { resealed: all, broken: [] };
    // One of them does not open: each by itself tells which.
    let resealed = 0;
    const broken: string[] = [];
    for (const setting of settings) {
      const one = await attempt([setting]);
      if (one === "damaged") broken.push(setting.id);
      else resealed += one;
    }
    return { resealed, broken };
  });
}

async function savepoint(
  connection: PostgresConnection,
  work: () => Promise<number>,
): Promise<number | "damaged"> {
  await connection.query("SAVEPOINT reseal");
  try {
    const done = await work();
    await connection.query("RELEASE SAVEPOINT reseal");
    return done;
  } catch (error) {
    if ((error as { code?: string }).code !== DAMAGED) throw error;
    await connection.query("ROLLBACK TO SAVEPOINT reseal");
    return "damaged";
  }
}

/** false: a writer has sealed something under it since the last batch. */
async function retire(session: KeySession, version: number): Promise<boolean> {
  try {
    await session.transaction(async () => {
      await session.connection.query("SET LOCAL lock_timeout = '10s'");
      await retireKey(session.connection, version);
    });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === STILL_NEEDED) return false;
    throw error;
  }
}
