import { createHash } from "node:crypto";
import { GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BackupReader } from "../../../ops/backup/bucket";
import { newestLogWord } from "../../../ops/backup/recovery-status";
import { logFiles, physicalCopies } from "../../../ops/restore/point";
import { type AgentHost, agentHost } from "../../support/agent-host";
import { type BackupStore, startBackupStore } from "../../support/backups";

let store: BackupStore;
let host: AgentHost;
let reader: BackupReader;

beforeAll(async () => {
  store = await startBackupStore();
  host = await agentHost({ suite: "trixie", host: "mariadb", store, databases: { mo_crm: "daily" } });
  await host.write("/srv/log/binlog.000001", "one");
  await host.write("/srv/log/binlog.000002", "two");
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
});
beforeEach(() => {
  reader = new BackupReader(store.output);
});
afterEach(() => reader.close());

const EPOCH = "20260101T000000Z";
const logs = async () => (await logFiles(reader, "mariadb")).map(({ name }) => name).sort();
const versions = async (Prefix: string) => {
  const { Versions = [] } = await store.s3.send(
    new ListObjectVersionsCommand({ Bucket: store.output.bucket, Prefix }),
  );
  return Versions.map(({ Key = "" }) => Key);
};

describe("the log", () => {
  it("goes to the bucket once, each file under a name with its sum, and says so under a new name each time", async () => {
    for (const _ of [1, 2]) {
      const sent = await host.agent("log");
      expect(sent.code, sent.output).toBe(0);
    }
    expect(await logs()).toEqual(["binlog.000001", "binlog.000002"]);
    for (const key of await versions("recovery/mariadb/log/")) {
      const { Body } = await store.s3.send(new GetObjectCommand({ Bucket: store.output.bucket, Key: key }));
      const sum = createHash("sha256")
        .update((await Body?.transformToByteArray()) ?? "")
        .digest("hex");
      expect(key).toMatch(new RegExp(`/binlog\\.00000[12]\\.${sum}\\.zst\\.age$`));
    }
    expect(await versions("status/mariadb/log/")).toHaveLength(2);
    const word = await newestLogWord(reader, "mariadb", new Date());
    expect(JSON.parse(word?.text ?? "")).toMatchObject({
      host: "mariadb",
      epoch: EPOCH,
      last: "binlog.000002",
    });
    expect(reader.findings).toEqual([]);
  });

  it("that was sent and not noted goes again as the very same object", async () => {
    await host.write("/srv/log/binlog.000003", "three");
    // The disk takes no note that it was sent.
    const killed = await host.bash(
      [
        `mkdir -p /var/lib/estate-backup/sent/${EPOCH}`,
        `mount -t tmpfs -o ro none /var/lib/estate-backup/sent/${EPOCH}`,
        "exec estate-backup log",
      ].join("\n"),
    );
    expect(killed.code).not.toBe(0);
    expect((await host.agent("log")).code).toBe(0);
    const keys = await versions(`recovery/mariadb/log/${EPOCH}/binlog.000003.`);
    expect(keys).toHaveLength(1);
    expect(reader.findings).toEqual([]);
    expect((await host.bash("find /var/lib/estate-backup/sending -type f")).stdout).toBe("");
  });

  it("with a name that is none is not sent, and the run fails", async () => {
    const name = "/srv/log/binlog.000004;reboot";
    await host.write(name, "x");
    const refused = await host.agent("log");
    await host.bash(`rm '${name}'`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "FAILED: a file of the log has a name that is none: 'binlog.000004;reboot'",
    );
    expect((await logs()).join()).not.toContain("reboot");
  });

  it("that the server does not give makes the run fail, and no word is sent that all is well", async () => {
    const before = await versions("status/mariadb/log/");
    const failed = await host.bash(
      "chmod 0 /srv; mv /srv/log /srv/gone; mkdir /srv/log; echo 'closed_logs() { echo canary-row >&2; return 1; }' >>/usr/local/lib/estate-backup/mariadb.sh; estate-backup log; code=$?; sed -i '$d' /usr/local/lib/estate-backup/mariadb.sh; rmdir /srv/log; mv /srv/gone /srv/log; exit $code",
    );
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/FAILED: log of changes: its client ended with 1/);
    expect(failed.output).not.toContain("canary-row");
    expect(await versions("status/mariadb/log/")).toEqual(before);
  });
});

describe("a physical copy", () => {
  it("has a manifest that names its parts, and says that nobody has verified it where the engine cannot", async () => {
    await host.set("PART", "100");
    const ran = await host.agent("base");
    await host.set("PART", "268435456");
    expect(ran.code, ran.output).toBe(0);
    const [copy] = await physicalCopies(reader, "mariadb");
    expect(copy?.parts.length).toBeGreaterThan(1);
    expect(copy?.verified).toBeUndefined();
    expect(reader.findings).toEqual([]);
  });

  it("is verified on its way where the engine can, and its manifest says what came of it", async () => {
    const library = "/usr/local/lib/estate-backup/mariadb.sh";
    const before = await host.read(library);
    const verified = async (text: string) => {
      // Copies of one second are in no order.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await host.write(library, before + text);
      const ran = await host.agent("base");
      expect(ran.code, ran.output).toBe(0);
      const copies = await physicalCopies(new BackupReader(store.output), "mariadb");
      return copies.sort((a, b) => (a.run < b.run ? -1 : 1)).at(-1)?.verified;
    };
    try {
      await host.set("PROOF_BYTES", "1000000");
      expect(await verified("verify_copy() { grep -q three; cat >/dev/null; }\n")).toMatchObject({
        ok: true,
      });
      expect(await verified("verify_copy() { grep -q nothing-like-that; }\n")).toMatchObject({
        ok: false,
        words: expect.any(String),
      });
    } finally {
      await host.write(library, before);
    }
  });

  it("that breaks off has no manifest", async () => {
    const before = (await physicalCopies(reader, "mariadb")).length;
    await host.bash(
      "echo 'physical_copy() { echo half; return 1; }' >>/usr/local/lib/estate-backup/mariadb.sh",
    );
    const ran = await host.agent("base");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: physical copy: its client ended with 1/);
    expect((await physicalCopies(new BackupReader(store.output), "mariadb")).length).toBe(before);
  });
});
