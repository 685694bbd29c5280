import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BackupReader } from "../../../ops/backup/bucket";
import { findBackup } from "../../../ops/backup/find";
import { run } from "../../../ops/program";
import { fetchBackup } from "../../../ops/restore/fetch";
import { findPoint, logFiles } from "../../../ops/restore/point";
import { bucketClient } from "../../support/backup";
import { type BackupStore, runOf, startBackupStore, timeOf } from "../../support/backups";
import { succeed } from "../../support/run";
import { recordedIo } from "../../unit/ops/support";

/** What somebody who has a host's credentials, or more, may do to the bucket: nobody takes it for a backup, and it is told. */

let store: BackupStore;
let directory: string;
let key: string;
let reader: BackupReader;
const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

beforeEach(async () => {
  await store?.stop();
  store = await startBackupStore();
  writeFileSync(key, store.identity);
  writeFileSync(
    path.join(directory, "outputs.json"),
    JSON.stringify({ connections: {}, backup: store.output }),
  );
  await reader?.close();
  reader = new BackupReader(store.output);
});
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "estate-attacks-"));
  key = path.join(directory, "key");
  writeFileSync(path.join(directory, "pulumi"), `#!/bin/sh\ncat ${directory}/outputs.json\n`);
  chmodSync(path.join(directory, "pulumi"), 0o755);
});
afterAll(async () => {
  await reader?.close();
  await store?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function sealed(dump: string): Promise<Buffer> {
  const file = path.join(directory, "sealed");
  await succeed("bash", ["-c", `zstd -q | age -r ${store.recipient} >${file}`], { input: dump });
  return readFileSync(file);
}

async function estate(...args: string[]) {
  const io = recordedIo({ env: { PATH: `${directory}:${process.env.PATH}`, BACKUP_KEY_FILE: key } });
  const exitCode = await run([...args, "--stack", "local"], io);
  return { exitCode, out: io.stdout, err: io.stderr };
}

const save = async (time: Date, dump = "-- Dump completed\n") =>
  store.putRun({
    run: runOf(time),
    host: "mariadb",
    engine: "mariadb",
    objects: [
      {
        database: "mo_games",
        sealed: await sealed(dump),
        rows: {},
        proof: { ok: true, at: ago(HOUR).toISOString() },
      },
    ],
  });
/** What `status` and `list` say of the bucket, with their exit codes. */
async function told() {
  const [status, list] = [
    await estate("backup", "status", "mo_games"),
    await estate("backup", "list", "mo_games"),
  ];
  const { findings } = JSON.parse((await estate("backup", "list", "--json", "mo_games")).out);
  return { codes: [status.exitCode, list.exitCode], findings, status: status.out, list: list.out };
}
/** The bytes that a restore would read of the newest dump. */
async function restored(): Promise<string> {
  const backup = await findBackup(reader, "mo_games", "mariadb", "full");
  const signal = new AbortController().signal;
  const fetched = await fetchBackup(reader, backup, { key, env: process.env, signal });
  try {
    return await succeed("bash", ["-c", `age -d -i ${key} ${fetched.file} | zstd -dcq`]);
  } finally {
    await fetched.remove();
  }
}

describe("nothing done to it", () => {
  it("is no finding", async () => {
    await save(ago(2 * HOUR));
    expect(await told()).toMatchObject({ codes: [0, 0], findings: [] });
  });
});

describe("an overwritten backup", () => {
  it("is read as it first was, by status, verify and a restore; and is told", async () => {
    const manifest = await save(ago(2 * HOUR), "the first\n-- Dump completed\n");
    const [object] = manifest.objects;
    const poison = await sealed("poison\n-- Dump completed\n");
    await store.put(object?.key ?? "", poison);
    const changed = { ...manifest, objects: [{ ...object, bytes: poison.length, sha256: "0".repeat(64) }] };
    await store.put(`daily/mariadb/manifests/${manifest.run}.json`, JSON.stringify(changed));
    const { codes, findings, list } = await told();
    expect(codes).toEqual([1, 1]);
    expect(findings).toEqual([
      expect.objectContaining({ kind: "overwritten", key: `daily/mariadb/manifests/${manifest.run}.json` }),
      expect.objectContaining({ kind: "overwritten", key: object?.key }),
    ]);
    expect(list).toMatch(
      /\nATTACK: 2 objects of the bucket are not as our agents leave them\nOVERWRITTEN daily\/mariadb\//,
    );
    expect(list).toMatch(/What to do: docs\/runbooks\/overwritten-backup\.md\n$/);
    const verified = await estate("backup", "verify", "mo_games");
    expect(verified.exitCode).toBe(1);
    expect(verified.out).toMatch(/^mo_games .* whole$/m);
    expect(verified.out).toContain("ATTACK");
    expect(await restored()).toBe("the first\n-- Dump completed\n");
  });
});

describe("a deleted backup", () => {
  it("is still read, and is told", async () => {
    const { objects, run: name } = await save(ago(2 * HOUR), "still here\n-- Dump completed\n");
    await store.remove(objects[0]?.key ?? "");
    await store.remove(`daily/mariadb/manifests/${name}.json`);
    const { codes, findings } = await told();
    expect(codes).toEqual([1, 1]);
    expect(findings.map(({ kind }: { kind: string }) => kind)).toEqual(["deleted", "deleted"]);
    expect(await restored()).toBe("still here\n-- Dump completed\n");
  });

  it("whose time was over is no finding, and no backup any more", async () => {
    const { objects, run: name } = await store.at(ago(91 * 24 * HOUR), () => save(ago(91 * 24 * HOUR)));
    await save(ago(HOUR));
    for (const gone of [objects[0]?.key ?? "", `daily/mariadb/manifests/${name}.json`])
      await store.remove(gone);
    const { codes, findings, list } = await told();
    expect({ codes, findings }).toEqual({ codes: [0, 0], findings: [] });
    expect(list).not.toContain(name);
  });
});

describe("a host that was taken over", () => {
  /** Writes as the host's own agent could. */
  const write = async (Key: string, Body: string | Buffer, more: Partial<PutObjectCommandInput> = {}) => {
    const s3 = bucketClient(store.output, await store.writer("mariadb"));
    await s3.send(
      new PutObjectCommand({ Bucket: store.output.bucket, Key, Body, IfNoneMatch: "*", ...more }),
    );
    s3.destroy();
  };

  it("cannot make a backup of last week today", async () => {
    await save(ago(2 * HOUR), "good\n-- Dump completed\n");
    const week = runOf(ago(7 * 24 * HOUR), "0bad0bad");
    const dump = `daily/mariadb/mo_games/${week}.sql.zst.age`;
    const poison = await sealed("poison\n-- Dump completed\n");
    await write(dump, poison);
    const template = await save(ago(3 * HOUR));
    const object = { ...template.objects[0], key: dump, bytes: poison.length };
    const forged = { ...template, run: week, finished: timeOf(week).toISOString(), objects: [object] };
    await write(`daily/mariadb/manifests/${week}.json`, JSON.stringify(forged));
    const { codes, findings, list } = await told();
    expect(codes[1]).toBe(1);
    expect(findings).toEqual([
      {
        key: `daily/mariadb/manifests/${week}.json`,
        kind: "forged",
        reason: expect.stringMatching(/the bucket got it at/),
      },
    ]);
    expect(list.split("ATTACK")[0]).not.toContain(week);
    expect((await estate("restore", "mo_games", "--run", week, "--into", "copy")).exitCode).not.toBe(0);
    await expect(findBackup(reader, "mo_games", "mariadb", { run: week })).rejects.toThrow(/holds no backup/);
  });

  it("cannot have its manifest name another host's dump, nor stop the commands with one that is none", async () => {
    await save(ago(2 * HOUR));
    const at = new Date();
    const now = runOf(at, "0bad0bad");
    const template = await save(ago(3 * HOUR));
    const foreign = `daily/postgres/mo_idp/${now}.pgdump.zst.age`;
    const finished = at.toISOString();
    const object = { ...template.objects[0], key: foreign };
    await write(
      `daily/mariadb/manifests/${now}.json`,
      JSON.stringify({ ...template, run: now, finished, objects: [object] }),
    );
    await write(`daily/mariadb/manifests/${runOf(at, "0bad0002")}.json`, "\u001b[2J{");
    const { codes, findings, list } = await told();
    expect(codes).toEqual([1, 1]);
    expect(
      findings.map(({ kind, reason }: { kind: string; reason: string }) => `${kind}: ${reason}`),
    ).toEqual([
      expect.stringMatching(/^forged: it is no JSON/),
      expect.stringMatching(/^forged: it names an object that is none of its own run: "daily\/postgres/),
    ]);
    expect(list).not.toContain("\u001b");
  });

  it("cannot stop the commands by what cannot be read: in the cold tier, or of any size", async () => {
    const { run: good } = await save(ago(2 * HOUR));
    const [at, epoch] = [new Date(), "20260101T000000Z"];
    const cold = { StorageClass: "GLACIER" } as const;
    const texts = (random: string) => [
      `daily/mariadb/manifests/${runOf(at, random)}.json`,
      `recovery/mariadb/base/${epoch}/${runOf(at, random)}.json`,
      `status/mariadb/log/${runOf(at, random)}.json`,
      `archive-index/mariadb/mo_crm/202601.${random.repeat(8)}.json`,
    ];
    for (const key of texts("0bad0001")) {
      await expect(write(key, "{}", cold)).rejects.toThrow(/Denied/);
      // Whoever may choose a tier.
      await store.put(key, "{}", cold);
    }
    for (const key of texts("0bad0002")) await write(key, Buffer.alloc(9 * 2 ** 20, " "));
    const all = await estate("backup", "status");
    expect(all.exitCode).toBe(1);
    expect(all.out).toMatch(new RegExp(`^mo_games .* ${good} .* good$`, "m"));
    expect(all.out).toContain("ATTACK: 8 objects");
    expect((await estate("backup", "list", "--archive")).exitCode).toBe(1);
    await expect(findPoint(reader, "mariadb", ago(HOUR))).rejects.toThrow(/no physical copy/);
    const verified = await estate("backup", "verify", "mo_games");
    expect(verified.out).toMatch(/^mo_games .* whole$/m);
  });

  it("cannot bring a command to a host by the name of a log, nor a second file into the log", async () => {
    const epoch = "20260101T000000Z";
    const begun = ago(5 * HOUR);
    const base = `recovery/mariadb/base/${epoch}/${runOf(begun)}`;
    const part = { key: `${base}.mbstream.zst.age.00000`, sha256: "a".repeat(64), bytes: 1 };
    const log = (name: string, sum: string) =>
      `recovery/mariadb/log/${epoch}/${name}.${sum.repeat(64)}.zst.age`;
    await store.at(begun, async () => {
      await store.put(part.key, "x");
      await store.put(`${base}.json`, JSON.stringify({ finished: begun.toISOString(), parts: [part] }));
    });
    await store.at(ago(4 * HOUR), () => store.put(log("binlog.000001", "a"), "x"));
    await store.at(ago(3 * HOUR), () => store.put(log("binlog.000002", "b"), "x"));
    const names = [
      "binlog.000003;reboot",
      "$(reboot)",
      "binlog.000003 binlog.000004",
      "..%2f..%2fetc",
      "`id`.000003",
    ];
    for (const name of names) await write(log(name, "c"), "x");
    await write(`recovery/mariadb/log/${epoch}/binlog.000003.zst.age`, "x");
    await write(log("binlog.000001", "d"), "x");
    const { logs } = await findPoint(reader, "mariadb", ago(3.5 * HOUR));
    expect(logs.map(({ name, sha256 }) => `${name} ${sha256[0]}`)).toEqual([
      "binlog.000001 a",
      "binlog.000002 b",
    ]);
    await logFiles(reader, "mariadb");
    const kinds = reader.findings.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "foreign")).toHaveLength(names.length + 1);
    expect(kinds.filter((kind) => kind === "overwritten")).toHaveLength(1);
    expect((await estate("backup", "status", "mo_games")).exitCode).toBe(1);
    expect((await estate("backup", "verify", "mo_games")).out).toContain("ATTACK");
  });

  it("cannot have a physical copy name parts that are none of its own", async () => {
    const epoch = "20260101T000000Z";
    const copy = async (at: Date, parts: string[]) => {
      const run = runOf(at);
      const body = {
        finished: at.toISOString(),
        parts: parts.map((each) => ({ key: each.replace("RUN", run), sha256: "a".repeat(64), bytes: 1 })),
      };
      await store.at(at, () => store.put(`recovery/mariadb/base/${epoch}/${run}.json`, JSON.stringify(body)));
    };
    const own = `recovery/mariadb/base/${epoch}/RUN.mbstream.zst.age`;
    await copy(ago(5 * HOUR), [`${own}.00000`, `${own}.00001`]);
    await copy(ago(4 * HOUR), [`${own}.00000`, `${own}.00000`]);
    await copy(ago(3 * HOUR), ["recovery/postgres/base/1/20260101T000000Z.tar.zst.age.00000"]);
    await copy(ago(2 * HOUR), ["../../x"]);
    await expect(findPoint(reader, "mariadb", ago(HOUR))).rejects.toThrow();
    expect(reader.findings.map(({ kind }) => kind)).toEqual(["forged", "forged", "forged"]);
  });
});
