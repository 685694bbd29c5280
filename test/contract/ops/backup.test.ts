import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../../ops/backup/manifest";
import { run } from "../../../ops/program";
import { type BackupStore, type StoredRun, startBackupStore } from "../../support/backups";
import { succeed } from "../../support/run";
import { recordedIo } from "../../unit/ops/support";

let store: BackupStore;
let directory: string;
let key: string;
const HOUR = 3_600_000;

beforeAll(async () => {
  store = await startBackupStore();
  directory = mkdtempSync(path.join(tmpdir(), "estate-backup-"));
  key = path.join(directory, "key");
  writeFileSync(key, store.identity);
  writeFileSync(
    path.join(directory, "outputs.json"),
    JSON.stringify({ connections: {}, backup: store.output }),
  );
  writeFileSync(path.join(directory, "pulumi"), `#!/bin/sh\ncat ${directory}/outputs.json\n`);
  chmodSync(path.join(directory, "pulumi"), 0o755);
  const dump = await sealed("CREATE TABLE t (id INT);\n-- Dump completed\n");
  const objects = (names: string[]) =>
    names.map((database) => ({ database, sealed: dump, rows: { t: 2, u: 3 } }));
  await put({
    run: "20260101T020000Z",
    finished: new Date(Date.now() - 30 * HOUR),
    objects: objects(["mo_crm"]),
  });
  await put({
    run: "20260102T020000Z",
    finished: new Date(Date.now() - 27 * HOUR),
    objects: objects(["mo_n8n", "mo_games", "mo_hooks"]),
  });
  newest = await put({
    run: "20260103T020000Z",
    finished: new Date(Date.now() - 2 * HOUR),
    failed: ["mo_games"],
    objects: objects(["mo_crm", "mo_consent", "_accounts"]),
  });
});
afterAll(async () => {
  await store?.stop();
  rmSync(directory, { recursive: true, force: true });
});

let newest: Manifest;
const put = (stored: Omit<StoredRun, "host" | "engine">) =>
  store.putRun({ host: "mariadb", engine: "mariadb", ...stored });

async function sealed(dump: string): Promise<Buffer> {
  const file = path.join(directory, "sealed");
  await succeed("bash", ["-c", `zstd -q | age -r ${store.recipient} >${file}`], { input: dump });
  return (await import("node:fs")).readFileSync(file);
}

/** `estate ...` of a stack that has this bucket. */
async function estate(args: string[], env: NodeJS.ProcessEnv = {}) {
  const io = recordedIo({
    env: { PATH: `${directory}:${process.env.PATH}`, BACKUP_KEY_FILE: key, ...env },
  });
  const exitCode = await run([...args, "--stack", "local"], io);
  return { exitCode, out: io.stdout, err: io.stderr };
}

describe("estate backup list", () => {
  it("tells of every backup, newest first", async () => {
    const { exitCode, out } = await estate(["backup", "list", "mo_crm"]);
    expect(exitCode).toBe(0);
    expect(out.split("\n").slice(1, 3)).toEqual([
      expect.stringMatching(/^mo_crm {4}mariadb {2}20260103T020000Z {2}daily {2}\d+ B {7}2 {5}5$/),
      expect.stringMatching(/^mo_crm {4}mariadb {2}20260101T020000Z/),
    ]);
    const all = await estate(["backup", "list", "--json"]);
    expect(JSON.parse(all.out).backups).toHaveLength(7);
  });
});

describe("estate backup status", () => {
  const of = async (...names: string[]) => {
    const { exitCode, out } = await estate(["backup", "status", "--json", ...names]);
    const [result] = JSON.parse(out).results;
    return { exitCode, state: result.state, reason: result.reason };
  };

  it("is good, old, failed or missing", async () => {
    expect(await of("mo_crm")).toEqual({ exitCode: 0, state: "good", reason: undefined });
    expect(await of("mo_n8n")).toEqual({
      exitCode: 1,
      state: "old",
      reason: "the newest is 27 h old, more than 26 h",
    });
    expect(await of("mo_games")).toEqual({
      exitCode: 1,
      state: "failed",
      reason: "run 20260103T020000Z failed",
    });
    expect(await of("mo_admin_stg")).toEqual({ exitCode: 1, state: "missing", reason: "there is no backup" });
  });

  it("in words, of all, with the accounts", async () => {
    const { exitCode, out } = await estate(["backup", "status"]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^mo_crm +mariadb +20260103T020000Z +2\.0 +\d+ B +good$/m);
    expect(out).toMatch(/^_accounts +mariadb .* good$/m);
    expect(out).toMatch(/^_accounts +plesk .* MISSING$/m);
    expect(out).toMatch(/^3\/23 well backed up$/m);
  });

  it("is red where the log of changes stopped, or never came", async () => {
    const sent = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    await store.put("status/mariadb/log.json", JSON.stringify({ finished: sent(3) }));
    await store.put("status/postgres/log.json", JSON.stringify({ finished: sent(11) }));
    expect((await estate(["backup", "status"])).out).toMatch(
      /\nmariadb: log of changes sent 3 minutes ago\npostgres: its log of changes came 11 minutes ago, more than 10;/,
    );
    await store.remove("status/postgres/log.json");
    const { out } = await estate(["backup", "status", "--json"]);
    expect(JSON.parse(out).logs).toEqual([
      expect.objectContaining({ host: "mariadb", state: "good" }),
      expect.objectContaining({ host: "postgres", state: "missing" }),
    ]);
  });

  it("leaves a restore's safety backup out", async () => {
    const { run } = newest;
    const safety = { ...newest, run: "20990101T000000Z", tag: "safety" };
    const manifest = `daily/mariadb/manifests/${safety.run}.json`;
    await store.put(manifest, JSON.stringify(safety));
    try {
      const { out } = await estate(["backup", "status", "--json", "mo_crm"]);
      expect(JSON.parse(out).results[0].newest.run).toBe(run);
    } finally {
      await store.remove(manifest);
    }
  });

  it("looks at the object itself", async () => {
    const { key: object = "" } = newest.objects.find(({ database }) => database === "mo_consent") ?? {};
    await store.put(object, "short");
    expect(await of("mo_consent")).toMatchObject({ exitCode: 1, state: "missing" });
    await store.remove(object);
    expect((await of("mo_consent")).reason).toBe(`the bucket no longer holds ${object}`);
  });

  it("cannot tell where the bucket refuses, or is not there", async () => {
    const outputs = (backup: object | undefined) =>
      writeFileSync(path.join(directory, "outputs.json"), JSON.stringify({ connections: {}, backup }));
    try {
      outputs({ ...store.output, reader: { accessKeyId: "AKIA0", secretAccessKey: "fixture-canary" } });
      const refused = await estate(["backup", "status"]);
      expect(refused).toMatchObject({ exitCode: 2, out: "" });
      expect(refused.err).toMatch(/refuses the reader's key/);
      expect(refused.err).not.toContain("fixture-canary");
      outputs({ ...store.output, endpoint: "https://127.0.0.1:9" });
      expect(await estate(["backup", "list"])).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining("the bucket backups at https://127.0.0.1:9 does not answer"),
      });
      outputs(undefined);
      expect((await estate(["backup", "list"])).err).toContain("has no backup bucket in its outputs");
    } finally {
      outputs(store.output);
    }
  });
});

describe("estate backup verify", () => {
  const faultOf = async (dump: Buffer, changed?: (body: Buffer) => Buffer) => {
    const manifest = await put({
      run: "20260104T020000Z",
      objects: [{ database: "mo_nextcloud", sealed: dump, rows: { t: 1 } }],
    });
    if (changed) await store.put(manifest.objects[0]?.key ?? "", changed(dump));
    const { exitCode, out } = await estate(["backup", "verify", "mo_nextcloud", "--json"]);
    return { exitCode, fault: JSON.parse(out).results[0].fault };
  };

  it("reads a whole one to its end", async () => {
    const { exitCode, out } = await estate(["backup", "verify", "mo_crm"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^mo_crm +20260103T020000Z .* whole$/m);
  });

  it("passes over what a restore has replaced, unless it is named", async () => {
    await put({
      run: "20260105T020000Z",
      tag: "safety",
      objects: [{ database: "mo_crm", sealed: await sealed("-- Dump completed\n"), rows: {} }],
    });
    expect((await estate(["backup", "verify", "mo_crm"])).out).toContain("20260103T020000Z");
    const named = await estate(["backup", "verify", "mo_crm", "--run", "20260105T020000Z"]);
    expect(named.out).toContain("20260105T020000Z");
  });

  it("of what has no backup says so, beside the others", async () => {
    const { exitCode, out } = await estate(["backup", "verify", "mo_crm", "mo_idp"]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/ whole\n\nmo_idp: there is no backup\. See: estate backup list mo_idp\n$/);
  });

  it("sees a cut, a changed byte, and a dump without an end", async () => {
    const whole = await sealed(`${"INSERT ".repeat(20_000)}\n-- Dump completed\n`);
    expect(await faultOf(whole)).toEqual({ exitCode: 0, fault: undefined });
    const cut = await faultOf(whole, (body) => body.subarray(0, -1));
    expect(cut).toMatchObject({ exitCode: 1, fault: expect.stringContaining("its manifest says") });
    const changed = await faultOf(whole, (body) => {
      const other = Buffer.from(body);
      other[other.length - 5] = (other[other.length - 5] ?? 0) ^ 1;
      return other;
    });
    expect(changed).toMatchObject({ exitCode: 1, fault: expect.stringMatching(/sha256|cut off or changed/) });
    expect((await faultOf(await sealed("INSERT"))).fault).toBe('the dump has no "Dump completed" at its end');
  });

  it("says when the key is the wrong one, or none", async () => {
    const other = path.join(directory, "other");
    writeFileSync(other, await succeed("age-keygen", []));
    const wrong = await estate(["backup", "verify", "mo_crm"], { BACKUP_KEY_FILE: other });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.out).toContain("the key in BACKUP_KEY_FILE does not open it");
    const none = await estate(["backup", "verify", "mo_crm"], { BACKUP_KEY_FILE: "" });
    expect(none).toMatchObject({ exitCode: 2, err: expect.stringContaining("BACKUP_KEY_FILE is not set") });
  });
});

describe("estate restore", () => {
  it.each([
    [["mo_cmr"], /no such database: mo_cmr \(did you mean mo_crm\?\)/],
    [[], /name the databases to restore, or give --all alone/],
    [["mo_crm", "--all"], /give --all alone/],
    [["mo_crm", "--into", "mo_n8n"], /the catalogue declares that database/],
    [["mo_crm", "--into", "mysql"], /a database of the server's own/],
    [["mo_crm", "--into", "a__b"], /a restore's own/],
    [["mo_crm", "--into", "x;drop"], /lower-case letters, digits and underscores/],
    [["mo_crm", "mo_n8n", "--into", "copy"], /--into is for one database/],
    [["mo_crm", "--run", "yesterday"], /20260131T020000Z/],
    [["--drop-replaced"], /--drop-replaced: name the databases/],
  ])("%j is refused before anything begins", async (args, message) => {
    const { exitCode, err } = await estate(["restore", ...args]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(message);
  });

  it("of a run that holds no backup of it fails before any host is asked", async () => {
    const { exitCode, err } = await estate([
      "restore",
      "mo_crm",
      "--into",
      "copy",
      "--run",
      "20250101T020000Z",
    ]);
    expect(exitCode).toBe(1);
    expect(err).toContain("mo_crm: run 20250101T020000Z holds no backup of it");
  });
});
