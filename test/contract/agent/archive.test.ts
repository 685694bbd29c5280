import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archivedBackups, findArchived } from "../../../ops/backup/archive";
import { BackupReader } from "../../../ops/backup/bucket";
import { verifyBackup } from "../../../ops/backup/verify";
import { run } from "../../../ops/program";
import { fetchAll } from "../../../ops/restore/cold";
import { type AgentHost, agentHost } from "../../support/agent-host";
import { type BackupStore, runOf, startBackupStore } from "../../support/backups";
import { succeed } from "../../support/run";
import { recordedIo } from "../../unit/ops/support";

let store: BackupStore;
let host: AgentHost;
let directory: string;
let key: string;

const today = new Date();
/** The 25th of the month before this one, so many days later. */
const lastMonth = (days: number) =>
  runOf(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 25 + days, 2)), `0000000${days}`);
const MONTH = `${lastMonth(0).slice(0, 4)}-${lastMonth(0).slice(4, 6)}`;
const [EARLY, PROVEN, LATE] = [lastMonth(0), lastMonth(1), lastMonth(2)];

beforeAll(async () => {
  store = await startBackupStore();
  directory = mkdtempSync(path.join(tmpdir(), "estate-archive-"));
  key = path.join(directory, "key");
  writeFileSync(key, store.identity);
  writeFileSync(
    path.join(directory, "outputs.json"),
    JSON.stringify({ connections: {}, backup: store.output }),
  );
  writeFileSync(path.join(directory, "pulumi"), `#!/bin/sh\ncat ${directory}/outputs.json\n`);
  chmodSync(path.join(directory, "pulumi"), 0o755);
  host = await agentHost({
    suite: "trixie",
    host: "mariadb",
    store,
    databases: { mo_consent: "archive", mo_crm: "archive", mo_games: "daily" },
  });
  for (const name of ["mo_consent", "mo_crm", "mo_games"])
    await host.write(`/srv/${name}/t.table`, "(1)\n(2)\n");
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A copy on the host, as a run of then has left it. */
async function copyOf(database: string, id: string, proven = false) {
  const made = await host.bash(
    [
      "set -euo pipefail",
      `mkdir -p /var/backups/estate; cd /var/backups/estate; rm -rf ${database}.new; [ ! -d ${database} ] || mv ${database} ${database}.kept`,
      `estate-backup run ${database} >/dev/null 2>&1`,
      `mkdir -p ${database}.kept; was=$(basename ${database}/*.json .json)`,
      `mv ${database}/$was.sql.zst.age ${database}.kept/${id}.sql.zst.age`,
      `jq '.proof = ${proven ? '{ok: true, at: "2026-01-01T00:00:00Z"}' : "null"} | if .proof == null then del(.proof) else . end' ${database}/$was.json >${database}.kept/${id}.json`,
      `rm -rf ${database}; mv ${database}.kept ${database}`,
    ].join("\n"),
  );
  expect(made.code, made.output).toBe(0);
}
const keys = async (Prefix: string) => {
  const { Versions = [] } = await store.s3.send(
    new ListObjectVersionsCommand({ Bucket: store.output.bucket, Prefix }),
  );
  return Versions.map(({ Key = "" }) => Key);
};
async function estate(...args: string[]) {
  const io = recordedIo({ env: { PATH: `${directory}:${process.env.PATH}`, BACKUP_KEY_FILE: key } });
  const exitCode = await run([...args, "--stack", "local"], io);
  return { exitCode, out: io.stdout, err: io.stderr };
}

describe("the archive of a month that is over", () => {
  it("has the newest proven dump, or the newest where none was, once, and of no other class", async () => {
    await copyOf("mo_crm", EARLY);
    await copyOf("mo_crm", PROVEN, true);
    await copyOf("mo_crm", LATE);
    await copyOf("mo_consent", EARLY);
    await copyOf("mo_consent", LATE);
    await copyOf("mo_games", LATE, true);
    for (const _ of [1, 2]) {
      const ran = await host.agent("run");
      expect(ran.code, ran.output).toBe(0);
    }
    expect((await keys("archive/")).map((each) => each.split(".")[0])).toEqual([
      `archive/mariadb/mo_consent/${LATE}`,
      `archive/mariadb/mo_crm/${PROVEN}`,
    ]);
    expect(await keys("archive-index/")).toHaveLength(2);
  });

  it("is not written again where it was sent and not noted", async () => {
    await host.bash("rm -rf /var/lib/estate-backup/archived");
    expect((await host.agent("run")).code).toBe(0);
    expect(await keys("archive/")).toHaveLength(2);
    expect(await keys("archive-index/")).toHaveLength(2);
  });

  it("whose copy here was changed is not sent, and the run fails", async () => {
    await host.bash(
      `rm -rf /var/lib/estate-backup/archived; echo x >>/var/backups/estate/mo_crm/${PROVEN}.sql.zst.age`,
    );
    const ran = await host.agent("run");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      `FAILED: archive of mo_crm: the copy of run ${PROVEN} is not what was saved`,
    );
    expect(await keys("archive/")).toHaveLength(2);
  });

  it("is listed and verified, and its status says what was not proven", async () => {
    const list = await estate("backup", "list", "--archive");
    expect(list.exitCode, list.out).toBe(0);
    expect(list.out).toMatch(new RegExp(`^mo_crm +mariadb +${MONTH} +${PROVEN} .* 1 +2 +proven$`, "m"));
    expect(list.out).toMatch(new RegExp(`^mo_consent +mariadb +${MONTH} +${LATE} .* 1 +2 +not proven$`, "m"));
    const verified = await estate("backup", "verify", "--archive", "mo_crm", "mo_consent", "--month", MONTH);
    expect(verified.exitCode, verified.out + verified.err).toBe(0);
    expect(verified.out.match(/ whole$/gm)).toHaveLength(2);
    const status = await estate("backup", "status", "mo_crm", "mo_consent", "--json");
    expect(JSON.parse(status.out).archives).toEqual([
      expect.objectContaining({ database: "mo_crm", month: MONTH, state: "good", run: PROVEN }),
      expect.objectContaining({ database: "mo_consent", month: MONTH, state: "unproven" }),
    ]);
  });

  it("is another one only as a finding: the first that was written counts", async () => {
    const reader = new BackupReader(store.output);
    const [index = ""] = (await keys("archive-index/")).filter((each) => each.includes("mo_crm"));
    const { Body } = await store.s3.send(new GetObjectCommand({ Bucket: store.output.bucket, Key: index }));
    const text = await Body?.transformToString();
    const second = index.replace(/\.[0-9a-f]{64}/, `.${"0".repeat(64)}`);
    await store.put(second, text ?? "");
    const found = await archivedBackups(reader, "mariadb", (name) => name === "mo_crm");
    expect(found.map((each) => each.run)).toEqual([PROVEN]);
    expect(reader.findings).toEqual([expect.objectContaining({ kind: "overwritten", key: second })]);
    await reader.close();
  });
});

describe("an archived dump in the cold tier", () => {
  const cold = async () => {
    const file = path.join(directory, "sealed");
    await succeed("bash", ["-c", `zstd -q | age -r ${store.recipient} >${file}`], {
      input: "-- Dump completed\n",
    });
    const sealed = await import("node:fs").then((fs) => fs.readFileSync(file));
    const sha256 = (await succeed("sha256sum", [file])).slice(0, 64);
    const id = runOf(new Date(Date.now() - 20 * 86_400_000));
    const object = {
      database: "mo_analytics",
      key: `archive/mariadb/mo_analytics/${id}.${sha256}.sql.zst.age`,
      sha256,
      bytes: sealed.length,
      rows: {},
      durationMs: 1,
    };
    const index = JSON.stringify({ run: id, host: "mariadb", engine: "mariadb", object });
    const sum = (await succeed("sha256sum", [], { input: index })).slice(0, 64);
    await store.put(object.key, sealed, { StorageClass: "DEEP_ARCHIVE" });
    await store.put(`archive-index/mariadb/mo_analytics/${id.slice(0, 6)}.${sum}.json`, index);
  };

  it("cannot be read, and is fetched for those who have agreed to what it costs", async () => {
    await cold();
    const reader = new BackupReader(store.output);
    try {
      const backup = await findArchived(reader, "mo_analytics", "mariadb", undefined);
      const signal = new AbortController().signal;
      const verify = () => verifyBackup(reader, backup, { key, env: process.env });
      expect((await verify()).fault).toMatch(/lies in the cold tier/);
      const said: string[] = [];
      const options = { signal, report: (line: string) => said.push(line), pollMs: 200 };
      await expect(fetchAll(reader, [backup], { ...options, yes: false })).rejects.toThrow(
        /^1 objects \(\d+ B\) lie in the cold tier: up to 12 hours, about USD 0\.00 .*To have them fetched: --yes$/,
      );
      const refused = await estate("restore", "mo_analytics", "--archive", "--into", "copy");
      expect(refused.exitCode).toBe(2);
      expect(refused.err).toMatch(/about USD .*--yes/);
      expect(await reader.warmth(backup.key)).toBe("cold");
      await fetchAll(reader, [backup], { ...options, yes: true });
      const [terms = "", ...waiting] = said;
      expect(terms).toMatch(/about USD/);
      expect(new Set(waiting)).toEqual(
        new Set(["0/1 objects are back from the cold tier after 0 minutes; waiting"]),
      );
      expect((await verify()).fault).toBeUndefined();
      said.length = 0;
      await fetchAll(reader, [backup], { ...options, yes: false });
      expect(said).toEqual([]);
    } finally {
      await reader.close();
    }
  });

  it("is found by its month alone", async () => {
    const reader = new BackupReader(store.output);
    await expect(findArchived(reader, "mo_analytics", "mariadb", "2020-01")).rejects.toThrow(
      "the archive holds no 2020-01 of it. See: estate backup list --archive mo_analytics",
    );
    await reader.close();
    expect((await estate("restore", "mo_crm", "--month", MONTH)).err).toMatch(/are for --archive/);
    expect((await estate("backup", "verify", "mo_crm", "--month", "2026-13")).err).toMatch(/2026-01/);
  });
});
