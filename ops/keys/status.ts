import type { Keyring } from "./crypto";
import type { KeyState, StoredKey } from "./store";

export interface KeyStatus {
  version: number;
  state: KeyState;
  createdAt: Date;
  retiredAt: Date | undefined;
  /** Settings sealed under it. */
  settings: number;
  /** Which secret of the stack wraps it: 0 is the newest. undefined: none that the stack has, or retired. */
  wrappedWith: number | undefined;
}

export interface DatabaseKeys {
  database: string;
  versions: KeyStatus[];
  /** What somebody has to do; empty: nothing. */
  advice: string[];
}

/** Days after which a version is due for the next one. */
export const KEY_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

/** Pure. */
export function statusOf(
  database: string,
  stored: readonly StoredKey[],
  keys: Keyring,
  now: Date,
): DatabaseKeys {
  const versions = stored.map(({ version, state, createdAt, retiredAt, settings, wrappedWith }) => {
    const at = keys.findIndex(({ fingerprint }) => fingerprint === wrappedWith);
    const held = state === "retired" || at < 0 ? undefined : at;
    return { version, state, createdAt, retiredAt, settings, wrappedWith: held };
  });
  return { database, versions, advice: adviceOn(database, versions, now) };
}

function adviceOn(database: string, versions: readonly KeyStatus[], now: Date): string[] {
  const rotate = `run: estate keys rotate --database ${database}`;
  const active = versions.find(({ state }) => state === "active");
  const retiring = versions.filter(({ state }) => state === "retiring");
  const lost = versions.filter(({ state, wrappedWith }) => state !== "retired" && wrappedWith === undefined);
  if (lost.length > 0) {
    const which = lost.map(({ version }) => version).join(", ");
    return [`no wrapping secret of the stack opens version ${which}: give the stack that secret back`];
  }
  if (!active) return [`no version is there yet; ${rotate}`];
  const left = retiring.reduce((sum, { settings }) => sum + settings, 0);
  if (retiring.length > 0) return [`a rotation has not ended, ${left} settings are left; ${rotate}`];
  if (active.wrappedWith !== 0)
    return [`version ${active.version} is wrapped with an older secret; ${rotate}`];
  const age = Math.floor((now.getTime() - active.createdAt.getTime()) / DAY);
  if (age >= KEY_DAYS)
    return [`version ${active.version} is ${age} days old, ${KEY_DAYS} are meant; ${rotate}`];
  return [];
}
