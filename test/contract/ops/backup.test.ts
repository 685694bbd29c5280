import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../../ops/backup/manifest";
import { run } from "../../../ops/program";
import { type BackupStore, runOf, type StoredRun, startBackupStore, timeOf } from "../../support/backups";
import { succeed } from "../../support/run";
import { recordedIo } from "../../unit/ops/support";

let store: BackupStore;
let directory: string;
let key: string;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ago = (ms: number) => new Date(Date.now() - ms);
const runAgo = (ms: number, random?: string) => runOf(ago(ms), random);
const [OLD, MIDDLE, NEWEST] = [runAgo(30 * HOUR), runAgo(27 * HOUR), runAgo(2 * HOUR)];

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
    names.map((database) => ({
      database,
      sealed: dump,
      rows: { t: 2, u: 3 },
      proof: { ok: true, at: ago(3 * DAY).toISOString() },
    }));
  await put({ run: OLD, objects: objects(["mo_crm"]) });
  await put({ run: MIDDLE, objects: objects(["mo_n8n", "mo_games", "mo_hooks"]) });
  newest = await put({
    run: NEWEST,
    failed: ["mo_games"],
    objects: objects(["mo_crm", "mo_consent", "_accounts"]),
  });
});
afterAll(async () => {
  await store?.stop();
  rmSync(directory, { recursive: true, force: true });
});

let newest: Manifest;
const put = (stored: Omit<StoredRun, "host" | "engine">, host = "mariadb") =>
  store.putRun({ host, engine: "mariadb", ...stored });

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
      expect.stringMatching(new RegExp(`^mo_crm {4}mariadb {2}${NEWEST} {2}daily {2}\\d+ B {7}2 {5}5$`)),
      expect.stringMatching(new RegExp(`^mo_crm {4}mariadb {2}${OLD}`)),
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
      reason: `run ${NEWEST} failed`,
    });
    expect(await of("mo_admin_stg")).toEqual({ exitCode: 1, state: "missing", reason: "there is no backup" });
  });

  it("in words, of all, with the accounts", async () => {
    const { exitCode, out } = await estate(["backup", "status"]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(new RegExp(`^mo_crm +mariadb +${NEWEST} +2\\.0 +\\d+ B +3\\.0 +good$`, "m"));
    expect(out).toMatch(/^_accounts +mariadb .* good$/m);
    expect(out).toMatch(/^_accounts +plesk .* MISSING$/m);
    expect(out).toMatch(/^3\/25 well backed up$/m);
  });

  it("is red where the log of changes stopped, or never came; by the bucket's clock too", async () => {
    const word = (host: string, minutes: number, text?: string) => {
      const at = ago(minutes * 60_000);
      const body = text ?? JSON.stringify({ finished: at.toISOString() });
      return store.at(at, () => store.put(`status/${host}/log/${runOf(at)}.json`, body));
    };
    const logs = async () => JSON.parse((await estate(["backup", "status", "--json"])).out).logs;
    await word("mariadb", 3);
    expect(await logs()).toEqual([
      expect.objectContaining({ host: "mariadb", state: "good" }),
      expect.objectContaining({ host: "postgres", state: "missing" }),
    ]);
    await word("postgres", 170);
    await word("postgres", 11);
    expect((await estate(["backup", "status"])).out).toMatch(
      /\nmariadb: log of changes sent 3 minutes ago\npostgres: its log of changes came 11 minutes ago, more than 10;/,
    );
    await word("postgres", 9, JSON.stringify({ finished: "2099-01-01T00:00:00Z" }));
    expect((await logs())[1]).toMatchObject({
      host: "postgres",
      state: "good",
      ageMinutes: expect.closeTo(9, 0),
    });
    await word("postgres", 8, "null");
    expect((await logs())[1]).toMatchObject({
      state: "missing",
      reason: expect.stringContaining("is no status"),
    });
  });

  it("is red where a physical copy is old, was not verified, or there is none", async () => {
    const copy = (days: number, verified?: object) => {
      const run = runAgo(days * DAY);
      const key = `recovery/mariadb/base/20250101T000000Z/${run}`;
      const part = { key: `${key}.mbstream.zst.age.00000`, sha256: "a".repeat(64), bytes: 1 };
      const body = JSON.stringify({ finished: timeOf(run).toISOString(), parts: [part], verified });
      return store.at(timeOf(run), () => store.put(`${key}.json`, body));
    };
    const copies = async () => JSON.parse((await estate(["backup", "status", "--json"])).out).copies[0];
    expect(await copies()).toMatchObject({ host: "mariadb", state: "missing" });
    await copy(9, { ok: true, at: ago(9 * DAY).toISOString() });
    expect(await copies()).toMatchObject({
      state: "old",
      reason: "its physical copy is 9 days old, more than 8",
    });
    await copy(7);
    expect(await copies()).toMatchObject({
      state: "unproven",
      reason: expect.stringContaining("was not verified"),
    });
    await copy(6, { ok: false, at: ago(6 * DAY).toISOString(), words: "xtrabackup\u001b[2J" });
    expect(await copies()).toMatchObject({
      state: "unproven",
      reason: expect.stringContaining("xtrabackup?[2J"),
    });
    await copy(5, { ok: true, at: ago(5 * DAY).toISOString() });
    expect(await copies()).toMatchObject({ state: "good" });
  });

  it("is red where the last proof by loading is old, failed, or there is none", async () => {
    const dump = await sealed("-- Dump completed\n");
    // Of what is older than a week; what is new may still have its turn.
    const first = { database: "mo_analytics", sealed: dump, rows: {} };
    await put({ run: runAgo(9 * DAY), objects: [first] });
    await put({ run: runAgo(3 * HOUR), objects: [{ ...first, database: "mo_api_stg" }] });
    expect(await of("mo_api_stg")).toMatchObject({ exitCode: 0, state: "good" });
    let minutes = 60;
    const saved = async (proof?: { ok: boolean; at: string; words?: string }) => {
      minutes -= 1;
      const object = { database: "mo_analytics", sealed: dump, rows: {}, ...(proof && { proof }) };
      await put({ run: runAgo(minutes * 60_000), objects: [object] });
      return of("mo_analytics");
    };
    const none = "no copy of it was proven by loading it in 8 days";
    expect(await saved()).toEqual({ exitCode: 1, state: "unproven", reason: none });
    expect(await saved({ ok: true, at: ago(9 * DAY).toISOString() })).toMatchObject({
      state: "unproven",
      reason: "the last proof by loading is 9 days old, more than 8",
    });
    expect(await saved({ ok: true, at: ago(7 * DAY).toISOString() })).toMatchObject({
      exitCode: 0,
      state: "good",
    });
    const failing = await saved({
      ok: false,
      at: ago(DAY).toISOString(),
      words: "table t has 1 rows, the dump has 2",
    });
    expect(failing).toMatchObject({
      state: "unproven",
      reason: expect.stringMatching(/^run \S+ could not be loaded: table t has 1 rows, the dump has 2$/),
    });
  });

  it("leaves a restore's safety backup out", async () => {
    const { run } = newest;
    await put({ run: runAgo(HOUR), tag: "safety", objects: [] });
    const { out } = await estate(["backup", "status", "--json", "mo_crm"]);
    expect(JSON.parse(out).results[0].newest.run).toBe(run);
  });

  it("looks at the object itself", async () => {
    const dump = await sealed("-- Dump completed\n");
    const lies = dump.subarray(0, -1);
    const { objects } = await put({
      run: runAgo(HOUR, "0000c0de"),
      objects: [{ database: "mo_consent", sealed: dump, lies, rows: {} }],
    });
    expect(await of("mo_consent")).toEqual({
      exitCode: 1,
      state: "missing",
      reason: `${objects[0]?.key} has ${lies.length} bytes; its manifest says ${dump.length}`,
    });
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
  let tries = 0;
  const faultOf = async (dump: Buffer, changed?: (body: Buffer) => Buffer) => {
    tries += 1;
    const lies = changed?.(dump) ?? dump;
    await put({
      run: runAgo(HOUR - tries * 60_000),
      objects: [{ database: "mo_nextcloud", sealed: dump, lies, rows: { t: 1 } }],
    });
    const { exitCode, out } = await estate(["backup", "verify", "mo_nextcloud", "--json"]);
    return { exitCode, fault: JSON.parse(out).results[0].fault };
  };

  it("reads a whole one to its end", async () => {
    const { exitCode, out } = await estate(["backup", "verify", "mo_crm"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(new RegExp(`^mo_crm +${NEWEST} .* whole$`, "m"));
  });

  it("passes over what a restore has replaced, unless it is named", async () => {
    const safety = runAgo(HOUR / 2);
    await put({
      run: safety,
      tag: "safety",
      objects: [{ database: "mo_crm", sealed: await sealed("-- Dump completed\n"), rows: {} }],
    });
    expect((await estate(["backup", "verify", "mo_crm"])).out).toContain(NEWEST);
    const named = await estate(["backup", "verify", "mo_crm", "--run", safety]);
    expect(named.out).toContain(safety);
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
    [["mo_cmr"], /no such database or queue: mo_cmr \(did you mean mo_crm\?\)/],
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

describe("--from-server", () => {
  it("shows and reads what was saved where a database lived before, and that alone", async () => {
    const there = runAgo(4 * HOUR, "0000f00d");
    const dump = await sealed("-- Dump completed\n");
    await put({ run: there, objects: [{ database: "mo_crm", sealed: dump, rows: {} }] }, "plesk");
    const listed = await estate(["backup", "list", "mo_crm", "--from-server", "plesk", "--json"]);
    expect(listed.exitCode, listed.err).toBe(0);
    expect(JSON.parse(listed.out).backups).toEqual([
      expect.objectContaining({ database: "mo_crm", host: "plesk", run: there }),
    ]);
    const verified = await estate(["backup", "verify", "mo_crm", "--from-server", "plesk"]);
    expect(verified.exitCode, verified.err).toBe(0);
    expect(verified.out).toMatch(new RegExp(`^mo_crm +${there} .* whole$`, "m"));
    const missing = await estate(["backup", "verify", "mo_n8n", "--from-server", "plesk"]);
    expect(missing).toMatchObject({ exitCode: 1, out: expect.stringContaining("there is no backup") });
  });
});
