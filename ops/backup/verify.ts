import { createHash } from "node:crypto";
import { PassThrough, Transform, type TransformCallback, Writable } from "node:stream";
import { messageOf } from "../exit";
import type { BackupReader } from "./bucket";
import { type ArchiveReader, type DumpKind, DumpWatch, readArchive } from "./dump-end";
import { ACCOUNTS, type Backup } from "./manifest";
import { unseal } from "./open";

export interface Verification {
  backup: Backup;
  /** Of the dump itself; undefined: it did not open. */
  plainBytes: number | undefined;
  /** pg_restore has read the archive to its end; false: it is missing or too old here, or it is no archive. */
  archiveRead: boolean;
  durationMs: number;
  /** undefined: the backup is whole. */
  fault: string | undefined;
}

interface Options {
  key: string;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

/**
 * Reads a backup as a restore would: all bytes against the manifest's sha256, decryption and unpacking to the end, the dump's
 * own end. Nothing is kept. Throws only "could not tell".
 */
export async function verifyBackup(
  reader: BackupReader,
  backup: Backup,
  options: Options,
): Promise<Verification> {
  const began = Date.now();
  const watch = new DumpWatch();
  const kind = dumpKind(backup);
  const archive = kind === "pgdump" ? readArchive(options.env) : undefined;
  const measured = new Measured();
  const result = (fault: string | undefined, more: Partial<Verification> = {}): Verification => ({
    backup,
    plainBytes: undefined,
    archiveRead: false,
    durationMs: Date.now() - began,
    fault,
    ...more,
  });
  try {
    const object = await reader.dump(backup, options.signal);
    object.on("error", (error) => measured.destroy(error));
    await unseal(object.pipe(measured), archive ? both(watch, archive) : watch, options);
  } catch (error) {
    archive?.stdin.destroy();
    if (error instanceof Error && "exitCode" in error) throw error;
    return result(measured.fault(backup) ?? messageOf(error));
  }
  const plainBytes = watch.bytes;
  const wrong = measured.fault(backup) ?? watch.fault(kind, Object.keys(backup.rows).length > 0);
  const said = await archive?.fault;
  if (wrong) return result(wrong, { plainBytes });
  if (said !== undefined && said !== "unable") return result(`pg_restore: ${said}`, { plainBytes });
  return result(undefined, { plainBytes, archiveRead: archive !== undefined && said === undefined });
}

export function dumpKind({ engine, database }: Backup): DumpKind {
  if (engine === "redis") return "rdb";
  if (engine === "mariadb") return database === ACCOUNTS ? "sql-accounts" : "sql";
  return database === ACCOUNTS ? "pgdump-accounts" : "pgdump";
}

/** Passes everything on; knows the sum and the size of what has passed. */
export class Measured extends Transform {
  private readonly hash = createHash("sha256");
  private bytes = 0;
  private sum: string | undefined;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.sum = this.hash.digest("hex");
    done();
  }

  /** What differs from the manifest, once all has passed; undefined: nothing, or not all has passed. */
  fault({ bytes, sha256 }: { bytes?: number | undefined; sha256: string }): string | undefined {
    if (this.sum === undefined || this.sum === sha256) return undefined;
    if (bytes !== undefined && this.bytes !== bytes)
      return `it has ${this.bytes} bytes; its manifest says ${bytes}`;
    return "its bytes are not those that were sent (sha256 differs from the manifest)";
  }
}

/** Writes to both. A reader that ends early (a pg_restore that cannot read the format) is no fault of the dump. */
function both(watch: DumpWatch, archive: ArchiveReader): Writable {
  const copy = new PassThrough();
  copy.pipe(watch);
  archive.stdin.on("error", () => {});
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const next = () => (copy.write(chunk) ? done() : copy.once("drain", () => done()));
      // One that could not be started is closed already, and does not say so again.
      if (archive.stdin.destroyed || archive.stdin.write(chunk)) return next();
      const go = () => {
        archive.stdin.off("drain", go);
        archive.stdin.off("close", go);
        next();
      };
      archive.stdin.on("drain", go);
      archive.stdin.on("close", go);
    },
    final(done) {
      archive.stdin.end();
      watch.once("finish", () => done());
      copy.end();
    },
  });
}
