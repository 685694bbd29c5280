import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Manifest, parseManifest } from "../../../ops/backup/manifest";
import type { AgentHost } from "../../support/agent-host";
import { type BackupStore, startBackupStore } from "../../support/backups";
import { DIRECTORY, FILL, FILLED, INSTANCE, queueHost } from "../../support/queue";
import { type Finished, succeed } from "../../support/run";

let store: BackupStore;
let host: AgentHost;

beforeAll(async () => {
  store = await startBackupStore();
  host = await queueHost("trixie", store);
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
});

/** A host whose queue and agent have no past. */
const fresh = `sed -i s/^SAVE_SECONDS=.*/SAVE_SECONDS=15/ /etc/estate-backup/agent.conf; rm -rf /var/lib/redis /var/lib/estate-backup /var/backups/estate`;
const ran = (lines: readonly string[], of: AgentHost = host): Promise<Finished> =>
  of.bash(["set -euo pipefail", fresh, INSTANCE, ...lines].join("\n"));
const manifestOf = ({ stdout }: Finished): Manifest => parseManifest(stdout, "the manifest");

/** What a copy holds, as it lies in the bucket, by the tools of the machine. */
async function opened({ key }: { key: string }): Promise<string> {
  const { Body } = await store.s3.send(new GetObjectCommand({ Bucket: store.output.bucket, Key: key }));
  const sealed = Buffer.from((await Body?.transformToByteArray()) ?? []).toString("base64");
  const script = `base64 -d | age -d -i <(printf '%s' "$IDENTITY") | zstd -dc | base64 -w0`;
  const env = { ...process.env, IDENTITY: store.identity };
  return succeed("bash", ["-euo", "pipefail", "-c", script], { input: sealed, env });
}

describe("a queue's backup", () => {
  it.each([
    "bookworm",
    "trixie",
  ] as const)("of the Redis of %s is whole, proven and sealed", async (suite) => {
    const own = await queueHost(suite, store);
    try {
      const run = await ran(["start", FILL, "estate-backup run"], own);
      expect(run.code, run.output).toBe(0);
      const manifest = manifestOf(run);
      expect(manifest).toMatchObject({ host: "redis", engine: "redis", ok: true, failed: [] });
      expect(manifest.versions.server).toMatch(/^[78]\.\d/);
      const [saved, ...others] = manifest.objects;
      expect(others).toEqual([]);
      expect(saved).toMatchObject({ database: "svc_n8n", rows: { keys: FILLED }, proof: { ok: true } });
      expect(saved?.notes).toBeUndefined();
      expect(saved?.key).toBe(`queue/redis/svc_n8n/${manifest.run}.rdb.zst.age`);
      const copy = Buffer.from(await opened(saved as { key: string }), "base64");
      expect(copy.subarray(0, 5).toString()).toBe("REDIS");
      expect(copy.includes("n8n:stream")).toBe(true);
      const left = await own.bash("ls -A /var/lib/estate-proof; ls -d /var/lib/estate-backup/run.*/");
      expect(left.stdout).toBe("");
    } finally {
      await own.remove();
    }
  });

  it("of one that nothing was ever put into is an empty copy", async () => {
    const run = await ran(["start", "estate-backup run"]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects).toMatchObject([{ rows: { keys: 0 }, proof: { ok: true } }]);
  });

  it("holds what was changed until it began: it waits for the instance's own copy", async () => {
    const run = await ran([
      "start --save '' --save '6 1'",
      // Root stands where nobody else may be.
      "install -d -m 0700 /root/own; cd /root/own",
      "service SET n8n:a 1 >/dev/null; sleep 1; estate-backup run svc_n8n",
    ]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects).toMatchObject([{ rows: { keys: 1 } }]);
    expect(manifestOf(run).objects[0]?.notes).toBeUndefined();
  });

  it("says so where the instance does not write one", async () => {
    const run = await ran(["start --save ''", "service SET n8n:a 1 >/dev/null; sleep 1; estate-backup run"]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects[0]).toMatchObject({ rows: { keys: 0 } });
    expect(manifestOf(run).objects[0]?.notes?.join()).toMatch(/wrote no copy after .* changed until/);
  });

  it("takes the append-only file's base where that is newer than the copy", async () => {
    const run = await ran([
      "start; service SET n8n:a 1 >/dev/null; sleep 3",
      "admin CONFIG SET save '' >/dev/null; service SET n8n:b 1 >/dev/null; admin BGREWRITEAOF >/dev/null; sleep 2",
      "estate-backup run",
    ]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects).toMatchObject([{ rows: { keys: 2 } }]);
  });

  it.each([
    ["keys of nobody's prefix", "admin SET crm:session 1", "1 keys do not begin with n8n:"],
    ["another logical database", "admin -n 3 SET n8n:a 1", "another logical database"],
    [
      "a library of functions",
      `admin FUNCTION LOAD "#!lua name=lib
redis.register_function('f', function() return 1 end)"`,
      "a library of functions",
    ],
  ])("with %s in it is kept and not proven", async (_, command, words) => {
    const run = await ran([
      "start; service SET n8n:own 1 >/dev/null",
      `${command} >/dev/null; sleep 2; estate-backup run`,
    ]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects[0]?.proof).toMatchObject({
      ok: false,
      words: expect.stringContaining(words),
    });
    expect(run.output).not.toContain("crm:session");
  });

  it.each([
    ["cut off", "truncate -s -20 copy"],
    ["changed in its middle", "printf '\\377\\376' | dd of=copy bs=1 seek=400 conv=notrunc status=none"],
    ["no copy at all", "echo none >copy"],
  ])("fails where the instance's own copy is %s", async (_, damage) => {
    const run = await ran([
      "start",
      FILL,
      "sleep 3; stop; rm -r $D/appendonlydir/*.incr.aof; cd $D; mv dump.rdb copy",
      `${damage}; chown redis copy; mv copy dump.rdb`,
      "estate-backup run",
    ]);
    expect(run.code).toBe(1);
    expect(manifestOf(run)).toMatchObject({ ok: false, failed: ["svc_n8n"], objects: [] });
    expect(run.output).not.toContain("n8n:stream");
  });

  it("for want of room says so at once", async () => {
    const run = await ran([
      "start",
      FILL,
      "sleep 3; install -d /var/lib/estate-backup; mount -t tmpfs -o size=64k none /var/lib/estate-backup",
      "SECONDS=0; estate-backup run || { echo took $SECONDS >&2; exit 1; }",
    ]);
    expect(run.code).toBe(1);
    expect(run.output).toContain("dump of svc_n8n: No space left on device");
    expect(Number(/^took (\d+)$/m.exec(run.stderr)?.[1])).toBeLessThan(10);
  });

  it("follows no link out of the instance's directory", async () => {
    const run = await ran([
      "start; stop; install -d -o redis /var/lib/redis/discourse; echo secret >/var/lib/redis/discourse/dump.rdb",
      `rm -f ${DIRECTORY}/dump.rdb ${DIRECTORY}/appendonlydir/*.base.rdb`,
      `ln -s /var/lib/redis/discourse/dump.rdb ${DIRECTORY}/dump.rdb`,
      "estate-backup run",
    ]);
    expect(run.code).toBe(1);
    expect(run.output).toContain("the instance has written no copy");
  });

  it("is proven once a day, and not each hour", async () => {
    const run = await ran([
      "start; service SET n8n:a 1 >/dev/null; sleep 2",
      "estate-backup run >/dev/null; estate-backup run",
    ]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects[0]?.proof).toBeUndefined();
  });

  it("is proven with names of keys that are each a third of the instance", async () => {
    const run = await ran([
      "start",
      `for n in 1 2 3; do service EVAL "return redis.call('SET', 'n8n:' .. string.rep('k' .. ARGV[1], 60000000), 1)" 0 $n >/dev/null; done`,
      "sleep 4; estate-backup run",
    ]);
    expect(run.code, run.output).toBe(0);
    expect(manifestOf(run).objects).toMatchObject([{ rows: { keys: 3 }, proof: { ok: true } }]);
  }, 60_000);

  it("becomes no append-only file where there is no room for one, and says so at once", async () => {
    const run = await ran([
      `start; service EVAL "local t = {} for i = 1, 4000000 do t[i] = string.char(math.random(0, 255)) end redis.call('SET', 'n8n:a', table.concat(t))" 0 >/dev/null`,
      "sleep 3; mkdir -p /var/lib/estate-proof /root/work; mount -t tmpfs -o size=6m none /var/lib/estate-proof",
      "export etc=/etc/estate-backup lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup work=/root/work",
      `source $lib/agent.sh; PROOF_SECONDS=20`,
      `within_limits svc_n8n.restore stage svc_n8n <$D/dump.rdb >/dev/null || cat $work/proof.words >&2`,
    ]);
    expect(run.output).toContain("is there room in /var/lib/estate-proof?");
  }, 60_000);
});
