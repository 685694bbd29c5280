import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackupOutput } from "../../../estate/outputs";
import { isLogFile, logGaps, logName } from "../../../ops/restore/point";
import { backupOutput, bucketClient } from "../../support/backup";
import { mariadb, onHost, postgres } from "../../support/lab";
import { plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";

type DatabaseHost = "plesk" | "mariadb" | "postgres";

interface SavedObject {
  database: string;
  key: string;
  sha256: string;
  bytes: number;
  rows: Record<string, number>;
}

interface Manifest {
  run: string;
  ok: boolean;
  failed: string[];
  objects: SavedObject[];
}

let output: BackupOutput;
let reader: S3Client;

beforeAll(async () => {
  output = await backupOutput();
  reader = bucketClient(output, output.reader);
});

const agent = (host: DatabaseHost, ...words: string[]) =>
  onHost(host, ["/usr/local/sbin/estate-backup", ...words]);
const saved = async (host: DatabaseHost, ...databases: string[]) =>
  JSON.parse(await agent(host, "run", "--tag", "test", ...databases)) as Manifest;

async function object(Key: string): Promise<Buffer> {
  const { Body } = await reader.send(new GetObjectCommand({ Bucket: output.bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function keys(Prefix: string): Promise<string[]> {
  const { Contents = [] } = await reader.send(new ListObjectsV2Command({ Bucket: output.bucket, Prefix }));
  return Contents.map(({ Key = "" }) => Key);
}

const stack = ["--stack", "local"];

async function up(): Promise<void> {
  const { code, output } = await pulumi(["up", ...stack, "--yes", "--skip-preview"]);
  expect(code, output).toBe(0);
}

/** As the operator opens it, with the private key. */
function opened(sealed: Buffer): Buffer {
  const options = { maxBuffer: 2 ** 28 };
  const key = process.env.BACKUP_KEY_FILE ?? "";
  const compressed = execFileSync("age", ["--decrypt", "--identity", key], { ...options, input: sealed });
  return execFileSync("zstd", ["--decompress", "--stdout"], { ...options, input: compressed });
}

/** What a run that fails says, and its code. */
const failing = (host: DatabaseHost, settings: string, ...words: string[]) =>
  run("lab/lab", [
    "exec",
    host,
    "--",
    "unshare",
    "--mount",
    "bash",
    "-c",
    // Other settings for this run alone: nobody else sees the mount.
    `cp /etc/estate-backup/agent.conf /tmp/agent.conf; echo '${settings}' >>/tmp/agent.conf
     mount --bind /tmp/agent.conf /etc/estate-backup/agent.conf; exec /usr/local/sbin/estate-backup "$@"`,
    "bash",
    ...words,
  ]);

describe("a run", () => {
  it.each([
    ["plesk", ["mo_forum", "mo_main", "mo_newsletter", "mo_support", "mo_votes"], /^-- Dump completed/m],
    ["mariadb", ["mo_consent"], /^-- Dump completed/m],
    ["postgres", ["mcp_portal", "mo_idp"], /^PGDMP/],
  ] as const)("of %s saves what the manifest says, and only the key opens it", async (host, databases, end) => {
    const manifest = await saved(host, ...databases);
    expect(manifest).toMatchObject({ ok: true, failed: [] });
    expect(manifest.objects.map(({ database }) => database)).toEqual(databases);
    for (const { key, sha256, bytes } of manifest.objects) {
      const sealed = await object(key);
      expect(sealed.length).toBe(bytes);
      expect(createHash("sha256").update(sealed).digest("hex")).toBe(sha256);
      expect(sealed.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
      expect(opened(sealed).toString("latin1")).toMatch(end);
    }
    expect(JSON.parse((await object(`daily/${host}/manifests/${manifest.run}.json`)).toString())).toEqual(
      manifest,
    );
  });

  it("counts the rows of the very dump, in both engines", async () => {
    await mariadb(
      "plesk",
      "CREATE TABLE mo_forum.counted (id int, text text); INSERT INTO mo_forum.counted VALUES (1,'a'),(2,'(b\\n(c'),(3,'d;')",
    );
    await postgres("mo_idp", "CREATE TABLE public.counted AS SELECT generate_series(1, 1234) AS id");
    try {
      expect((await saved("plesk", "mo_forum")).objects[0]?.rows).toEqual({ counted: 3 });
      expect((await saved("postgres", "mo_idp")).objects[0]?.rows).toEqual({ "public.counted": 1234 });
    } finally {
      await mariadb("plesk", "DROP TABLE mo_forum.counted");
      await postgres("mo_idp", "DROP TABLE public.counted");
    }
  });

  it("that cannot save one database saves the others, says so and fails", async () => {
    const kept = await onHost("plesk", ["sh", "-c", "ls /var/backups/estate/mo_main | wc -l"]);
    const failed = await failing("plesk", 'DATABASES="mo_gone:daily mo_main:daily"', "run", "--tag", "test");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/FAILED: dump of mo_gone: /);
    const manifest = JSON.parse(failed.stdout) as Manifest;
    expect(manifest).toMatchObject({ ok: false, failed: ["mo_gone"] });
    expect(manifest.objects.map(({ database }) => database)).toEqual(["mo_main", "_accounts"]);
    expect(Number(await onHost("plesk", ["sh", "-c", "ls /var/backups/estate/mo_main | wc -l"]))).toBe(
      Number(kept) + 1,
    );
    expect(JSON.parse((await object(`daily/plesk/manifests/${manifest.run}.json`)).toString())).toMatchObject(
      {
        ok: false,
        failed: ["mo_gone"],
      },
    );
  });

  it("that does not reach the bucket tries again, keeps the dump here and fails", async () => {
    const failed = await failing(
      "plesk",
      `BUCKET_URL=${output.endpoint}/nobodys-bucket TRIES=2 PAUSE=1`,
      "run",
      "--tag",
      "test",
      "mo_main",
    );
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /upload of daily\/plesk\/mo_main\/\S+ failed \(40\d \w+; try 1 of 2\), again in 1 s/,
    );
    expect(failed.stderr).toMatch(
      /FAILED: upload of daily\/plesk\/mo_main\/\S+: .*(AccessDenied|NoSuchBucket)/,
    );
    const run = (JSON.parse(failed.stdout) as Manifest).run;
    expect(await onHost("plesk", ["ls", "/var/backups/estate/mo_main"])).toContain(run);
  });

  it("waits for one that is at work", async () => {
    const [first, second] = await Promise.all([agent("plesk", "run", "mo_main"), saved("plesk", "mo_forum")]);
    expect(JSON.parse(first)).toMatchObject({ ok: true });
    expect(second).toMatchObject({ ok: true });
  });

  it("of a database that is not there names those that are", async () => {
    const failed = await run("lab/lab", [
      "exec",
      "plesk",
      "--",
      "/usr/local/sbin/estate-backup",
      "run",
      "mo_crm",
    ]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/"mo_crm" is no database of this host; it has: mo_forum mo_main/);
  });

  it("lets go of copies on the host after 30 days", async () => {
    const old = "/var/backups/estate/mo_main/20200101T000000Z.sql.zst.age";
    await onHost("plesk", ["touch", "-d", "31 days ago", old]);
    await saved("plesk", "mo_main");
    expect(await onHost("plesk", ["ls", "/var/backups/estate/mo_main"])).not.toContain("20200101");
  });

  it("keeps copies and credentials from everybody but root", async () => {
    const open =
      "find /var/backups/estate /etc/estate-backup/bucket.conf /var/lib/estate-backup -type f -perm /077";
    for (const host of ["plesk", "mariadb", "postgres"] as const)
      expect(await onHost(host, ["sh", "-c", open])).toBe("");
  });
});

describe("recovery to a point in time", () => {
  it.each([
    ["mariadb", "mbstream"],
    ["postgres", "tar"],
  ] as const)("has a physical copy of %s that is whole, and the log without a gap", async (host, extension) => {
    await agent(host, "base");
    const copies = await keys(`recovery/${host}/base/`);
    const manifest =
      copies
        .filter((key) => key.endsWith(".json"))
        .sort()
        .at(-1) ?? "";
    const { parts } = JSON.parse((await object(manifest)).toString()) as { parts: SavedObject[] };
    const sealed = await Promise.all(parts.map(({ key }) => object(key)));
    expect(parts[0]?.key).toMatch(new RegExp(`\\.${extension}\\.zst\\.age\\.00000$`));
    parts.forEach(({ sha256 }, at) => {
      expect(
        createHash("sha256")
          .update(sealed[at] ?? "")
          .digest("hex"),
      ).toBe(sha256);
    });
    expect(opened(Buffer.concat(sealed)).length).toBeGreaterThan(1_000_000);

    await agent(host, "log");
    const epoch = manifest.split("/").at(-2) ?? "";
    const logs = (await keys(`recovery/${host}/log/${epoch}/`)).map(logName);
    const files = logs.filter((name) => !name.includes("backup") && !name.includes("history"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((name) => !isLogFile(name))).toEqual([]);
    expect(logGaps(files)).toEqual([]);
  });

  it("loses five minutes at most: the server hands its log over, and the agent sends it, in less", async () => {
    expect(await postgres("postgres", "SHOW archive_timeout")).toBe("4min\n");
    const asked = Date.now() - 1000;
    for (const host of ["mariadb", "postgres"] as const) {
      await agent(host, "log");
      const newest = (
        await keys(`status/${host}/log/${new Date().toISOString().slice(0, 10).replace(/-/g, "")}`)
      ).at(-1);
      const status = JSON.parse((await object(newest ?? "")).toString()) as { finished: string };
      expect(Date.parse(status.finished)).toBeGreaterThanOrEqual(Math.floor(asked / 1000) * 1000);
    }
    for (const host of ["mariadb", "postgres"] as const) {
      expect(
        await onHost(host, ["systemctl", "show", "-p", "TimersCalendar", "estate-backup-log.timer"]),
      ).toContain("*:00/4");
    }
  });
});

describe("the agent, changed by hand", () => {
  let mended = false;
  afterAll(async () => {
    if (!mended) await up();
  });

  it("shows by name after a refresh, and `up` takes it back", async () => {
    await onHost("plesk", [
      "sh",
      "-c",
      "systemctl disable --now estate-backup.timer; sed -i s/LOCAL_DAYS=30/LOCAL_DAYS=3/ /etc/estate-backup/agent.conf; echo x >>/etc/estate-backup/bucket.conf",
    ]);
    const only = ["--target", "**::plesk-backup"];
    expect((await pulumi(["refresh", ...stack, "--yes", ...only])).code).toBe(0);
    const [change] = await plannedChanges();
    expect(change).toMatchObject({ op: "update", resource: "estate:host:BackupAgent plesk-backup" });
    expect(change?.fields.join(" ")).toMatch(/agent\.conf.*bucket\.conf.*timers/);
    await up();
    expect(await onHost("plesk", ["systemctl", "is-active", "estate-backup.timer"])).toBe("active\n");
    expect(await plannedChanges()).toEqual([]);
    mended = true;
  });
});
