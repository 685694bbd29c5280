import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import type { BackupReader } from "../backup/bucket";
import { DumpWatch } from "../backup/dump-end";
import type { Backup } from "../backup/manifest";
import { Unreadable, unseal } from "../backup/open";
import { dumpKind, Measured } from "../backup/verify";
import { messageOf } from "../exit";
import { makePlace, placeError } from "./place";

export interface FetchedBackup {
  /** Still encrypted, in a directory of this user's alone. */
  file: string;
  /** Of the dump in it. */
  plainBytes: number;
  remove(): Promise<void>;
}

interface Options {
  key: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/**
 * Brings a backup here and reads it to its end, before anything else is touched: all bytes, the key, the dump's own end.
 * Throws Unreadable, MissingObject, "could not tell"; nothing stays then.
 */
export async function fetchBackup(
  reader: BackupReader,
  backup: Backup,
  { key, env, signal }: Options,
): Promise<FetchedBackup> {
  const directory = await makePlace();
  const file = path.join(directory, "backup.age");
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const measured = new Measured();
    await pipeline(await reader.dump(backup, signal), measured, createWriteStream(file), { signal });
    const changed = measured.fault(backup);
    if (changed) throw new Unreadable(changed);
    const watch = new DumpWatch();
    await unseal(createReadStream(file), watch, { key, env, signal });
    const cut = watch.fault(dumpKind(backup), Object.keys(backup.rows).length > 0);
    if (cut) throw new Unreadable(cut);
    return { file, plainBytes: watch.bytes, remove };
  } catch (error) {
    await remove();
    throw placeError(error);
  }
}

/** The same for a stream in parts. `bytes`: undefined where nothing tells of them. */
export async function fetchParts(
  reader: BackupReader,
  parts: readonly { key: string; bytes?: number; sha256: string }[],
  { key, env, signal }: Options,
): Promise<FetchedBackup> {
  const directory = await makePlace();
  const file = path.join(directory, "parts.age");
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    for (const { key: part, bytes, sha256 } of parts) {
      const measured = new Measured();
      const object = await reader.object(part, signal);
      await pipeline(object, measured, createWriteStream(file, { flags: "a" }), { signal });
      const changed = measured.fault({ bytes, sha256 });
      if (changed) throw new Unreadable(changed);
    }
    const watch = new DumpWatch();
    await unseal(createReadStream(file), watch, { key, env, signal });
    return { file, plainBytes: watch.bytes, remove };
  } catch (error) {
    await remove();
    throw new Unreadable(`${parts[0]?.key}: ${messageOf(placeError(error))}`);
  }
}
