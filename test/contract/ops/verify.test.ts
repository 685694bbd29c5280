import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackupReader } from "../../../ops/backup/bucket";
import type { Backup } from "../../../ops/backup/manifest";
import { verifyBackup } from "../../../ops/backup/verify";
import { run, succeed } from "../../support/run";

/** An archive of pg_dump by its head and its end alone; what lies between is more than a pipe takes at once. */
const ARCHIVE = Buffer.concat([Buffer.from("PGDMP"), Buffer.alloc(1 << 20, 7), Buffer.alloc(5)]);

describe("a verification on a machine", () => {
  let directory: string;
  let sealed: Buffer;
  let backup: Backup;
  const at = (name: string) => path.join(directory, name);
  // As a bucket, it takes a while to answer.
  const reader = {
    dump: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return Readable.from([sealed]);
    },
  } as unknown as BackupReader;
  const verify = () => verifyBackup(reader, backup, { key: at("key"), env: { PATH: at("bin") } });

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "estate-verify-"));
    await succeed("bash", ["-c", `mkdir ${at("bin")}; age-keygen -o ${at("key")} 2>/dev/null`]);
    for (const program of ["age", "zstd"]) {
      symlinkSync((await succeed("sh", ["-c", `command -v ${program}`])).trim(), at(`bin/${program}`));
    }
    writeFileSync(at("dump"), ARCHIVE);
    const recipient = (await succeed("age-keygen", ["-y", at("key")])).trim();
    const seal = `zstd -q -c ${at("dump")} | age -r ${recipient} | tee ${at("sealed")} | sha256sum`;
    const sha256 = (await succeed("bash", ["-c", seal])).slice(0, 64);
    sealed = readFileSync(at("sealed"));
    backup = {
      database: "mo_idp",
      engine: "postgres",
      sha256,
      bytes: sealed.length,
      rows: { t: 1 },
    } as never;
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("without pg_restore comes to its end, and says that the archive was not read by it", async () => {
    expect(await verify()).toMatchObject({
      fault: undefined,
      archiveRead: false,
      plainBytes: ARCHIVE.length,
    });
  });

  it.each([
    ["reads nothing", "exit 1"],
    ["reads a little", "head -c 10 >/dev/null; echo 'unsupported version' >&2; exit 1"],
  ])("with a pg_restore that %s comes to its end, too", async (_what, script) => {
    writeFileSync(at("bin/pg_restore"), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
    chmodSync(at("bin/pg_restore"), 0o755);
    expect((await verify()).plainBytes).toBe(ARCHIVE.length);
    rmSync(at("bin/pg_restore"));
  });
});

describe("a program that has nothing left to wait for and no result", () => {
  it.each([
    ["never", "new Promise(() => {})", 2, "test: it ended without a result"],
    ["a fault", "Promise.reject(new Error('why'))", 1, "test: why\n"],
    ["a code", "Promise.resolve(1)", 1, ""],
    ["done", "Promise.resolve()", 0, ""],
  ])("does not end as one that has done its work: %s", async (_what, work, code, said) => {
    const script = `const { endWithResult } = require("./ops/exit.ts"); void endWithResult("test", ${work});`;
    const ended = await run(process.execPath, ["--import", "tsx", "-e", script]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(said);
  });
});
