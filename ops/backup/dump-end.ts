import { spawn } from "node:child_process";
import { Writable } from "node:stream";

/** Looks at a dump while it passes: how it begins and how it ends. */
export class DumpWatch extends Writable {
  /** Of the dump itself. */
  bytes = 0;
  private head: Buffer = Buffer.alloc(0);
  private tail: Buffer = Buffer.alloc(0);

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.bytes += chunk.length;
    if (this.head.length < KEPT) this.head = Buffer.concat([this.head, chunk]).subarray(0, KEPT);
    this.tail = (chunk.length >= KEPT ? chunk : Buffer.concat([this.tail, chunk])).subarray(-KEPT);
    done();
  }

  /** What is wrong with the dump, by its kind (`sql` of MariaDB, `accounts` of PostgreSQL, `pgdump`, `rdb` of Redis); undefined: nothing. */
  fault(kind: DumpKind, hasTables: boolean): string | undefined {
    const tail = this.tail.toString("latin1");
    switch (kind) {
      case "sql":
        return /^-- Dump completed/m.test(tail) ? undefined : 'the dump has no "Dump completed" at its end';
      case "sql-accounts":
        return this.bytes > 0 ? undefined : "the dump is empty";
      case "pgdump-accounts":
        return tail.includes("PostgreSQL database cluster dump complete")
          ? undefined
          : 'the dump has no "dump complete" at its end';
      case "rdb":
        // A mark, and the sum of all before it in eight bytes: whoever loads it looks at that.
        return /^REDIS\d{4}/.test(this.head.subarray(0, 9).toString("latin1")) && this.tail.at(-9) === 0xff
          ? undefined
          : "it is no whole copy of Redis";
      case "pgdump":
        if (this.head.subarray(0, 5).toString("latin1") !== "PGDMP") return "it is no archive of pg_dump";
        // Each table's rows end with a length of zero: a sign and four bytes.
        return hasTables && !this.tail.subarray(-5).equals(Buffer.alloc(5))
          ? "the archive stops in the middle of a table"
          : undefined;
    }
  }
}

const KEPT = 4096;

export type DumpKind = "sql" | "sql-accounts" | "pgdump" | "pgdump-accounts" | "rdb";

export interface ArchiveReader {
  stdin: Writable;
  /** What pg_restore says against the archive. `unable`: this one is too old to tell. undefined: nothing. */
  fault: Promise<string | "unable" | undefined>;
}

/** Reads an archive to its end, as a restore would; undefined: there is no pg_restore here. */
export function readArchive(env: NodeJS.ProcessEnv): ArchiveReader {
  const child = spawn("pg_restore", ["--file=/dev/null"], {
    env: { PATH: env.PATH, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (text: Buffer) => {
    words = (words + text.toString()).slice(-2000);
  });
  const fault = new Promise<string | undefined>((resolve) => {
    child.once("error", () => resolve("unable"));
    child.once("close", (code) => {
      if (code === 0) return resolve(undefined);
      resolve(/unsupported version|no pg_restore|not found/i.test(words) ? "unable" : words.trim());
    });
  });
  return { stdin: child.stdin, fault };
}
