import { createHash } from "node:crypto";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Manifest, parseManifest } from "../../../ops/backup/manifest";
import { type AgentHost, agentHost } from "../../support/agent-host";
import { bucketClient, refusal } from "../../support/backup";
import { type BackupStore, startBackupStore } from "../../support/backups";
import { losingWay } from "../../support/lost-answer";

let store: BackupStore;
let host: AgentHost;

const databases = { mo_consent: "daily", mo_crm: "archive", mo_games: "daily" } as const;

async function made(suite: "bookworm" | "trixie", name: "mariadb" | "plesk"): Promise<AgentHost> {
  const agent = await agentHost({ suite, host: name, store, databases });
  await agent.write("/srv/mo_consent/consents.table", "(1)\n");
  await agent.write("/srv/mo_crm/members.table", "(1)\n(2)\n");
  await agent.write("/srv/mo_crm/votes.table", "(1)\n");
  await agent.write("/srv/mo_games/scores.table", "(1)\n");
  return agent;
}

beforeAll(async () => {
  store = await startBackupStore();
  host = await made("trixie", "mariadb");
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
});

const object = async (Key: string) => {
  const { Body } = await store.s3.send(new GetObjectCommand({ Bucket: store.output.bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const keysBelow = async (Prefix: string) => {
  const { Versions = [] } = await store.s3.send(
    new ListObjectVersionsCommand({ Bucket: store.output.bucket, Prefix }),
  );
  return Versions.map(({ Key = "" }) => Key);
};
const saved = (stdout: string): Manifest => parseManifest(stdout, "the manifest");
/** A run with other files for this time; /tmp has a copy of its own. */
const changed = async (lines: string[], ...args: string[]) =>
  host.bash(
    [
      "cp -a /usr/local/lib/estate-backup /etc/estate-backup /tmp/",
      ...lines,
      `exec /usr/local/sbin/estate-backup ${args.join(" ")}`,
    ].join("\n"),
  );

describe("a run", () => {
  it.each([
    ["bookworm", "plesk"],
    ["trixie", "mariadb"],
  ] as const)("with the curl of %s saves what its manifest says", async (suite, name) => {
    const agent = await made(suite, name);
    try {
      const ran = await agent.agent("run");
      expect(ran.code, ran.output).toBe(0);
      const manifest = saved(ran.stdout);
      expect(manifest.run).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/);
      expect(manifest.objects.map(({ database, rows }) => [database, rows])).toEqual([
        ["mo_consent", { consents: 1 }],
        ["mo_crm", { members: 2, votes: 1 }],
        ["mo_games", { scores: 1 }],
        ["_accounts", {}],
      ]);
      for (const { key, sha256, bytes } of manifest.objects) {
        const sealed = await object(key);
        expect(sealed.length).toBe(bytes);
        expect(createHash("sha256").update(sealed).digest("hex")).toBe(sha256);
        expect(sealed.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
      }
      expect((await object(`daily/${name}/manifests/${manifest.run}.json`)).toString()).toBe(ran.stdout);
      const open =
        "find /var/backups/estate /var/lib/estate-backup /etc/estate-backup/bucket.conf -type f -perm /077";
      expect((await agent.bash(open)).output).toBe("");
    } finally {
      await agent.remove();
    }
  });

  it("has thousands of tables in its manifest", async () => {
    const tables = 5000;
    await host.bash(
      `mkdir /srv/many; for ((n = 0; n < ${tables}; n++)); do echo '(1)' >/srv/many/a_table_with_a_long_name_to_fill_the_list_$n.table; done`,
    );
    const ran = await host.bash(
      "sed -i 's/^DATABASES=.*/DATABASES=many:daily/' /etc/estate-backup/agent.conf; estate-backup run many",
    );
    await host.set("DATABASES", "'mo_consent:daily mo_crm:archive mo_games:daily'");
    expect(ran.code, ran.stderr).toBe(0);
    expect(Object.keys(saved(ran.stdout).objects[0]?.rows ?? {})).toHaveLength(tables);
  });

  it("sends what is larger than a part in parts", async () => {
    await host.set("PART", "100");
    const ran = await host.agent("run", "mo_crm");
    await host.set("PART", "268435456");
    expect(ran.code, ran.output).toBe(0);
    const [crm] = saved(ran.stdout).objects;
    expect(crm?.parts).toBe(3);
    const parts = await Promise.all([0, 1, 2].map((n) => object(`${crm?.key}.0000${n}`)));
    expect(createHash("sha256").update(Buffer.concat(parts)).digest("hex")).toBe(crm?.sha256);
  });

  it("says what will not come back as it is", async () => {
    const notes = ["view members_old is broken"];
    await host.write("/srv/mo_crm/notes.json", JSON.stringify(notes));
    const ran = await host.agent("run", "mo_crm", "mo_games");
    await host.bash("rm /srv/mo_crm/notes.json");
    expect(saved(ran.stdout).objects.map((each) => each.notes)).toEqual([notes, undefined]);
  });

  it("is one alone: what a killed one has left goes", async () => {
    const left =
      "/var/lib/estate-backup/run.killed /var/backups/estate/mo_crm/20260101T000000Z.sql.zst.age.part";
    await host.bash(
      "mkdir -p /var/lib/estate-backup/run.killed; echo half >/var/backups/estate/mo_crm/20260101T000000Z.sql.zst.age.part",
    );
    expect((await host.agent("run", "mo_games")).code).toBe(0);
    expect((await host.bash(`ls -d ${left}`)).stdout).toBe("");
    expect((await host.bash("ls /var/lib/estate-backup")).stdout).not.toMatch(/run\.[A-Za-z0-9]{6}$/m);
  });
});

describe("a run that fails", () => {
  it("saves the other databases, says which, and ends with 1", async () => {
    await host.bash("mv /srv/mo_crm /srv/mo_gone");
    const ran = await host.agent("run");
    await host.bash("mv /srv/mo_gone /srv/mo_crm");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: dump of mo_crm: cat: .*: No such file or directory\n/);
    expect(ran.stderr).toMatch(/FAILED: not saved: mo_crm/);
    const manifest = saved(ran.stdout);
    expect(manifest).toMatchObject({ ok: false, failed: ["mo_crm"] });
    expect(manifest.objects.map(({ database }) => database)).toEqual(["mo_consent", "mo_games", "_accounts"]);
  });

  it("in the middle of what it does to a database, wherever that is", async () => {
    // Each of them is a command that nobody asks for the outcome of.
    for (const broken of ["rows", "jq", "mv", "sha256sum"]) {
      const ran = await changed(
        broken === "rows"
          ? [
              `echo 'dump() { echo x; echo "-- Dump completed"; }' >>/tmp/estate-backup/mariadb.sh`,
              "mount --bind /tmp/estate-backup/mariadb.sh /usr/local/lib/estate-backup/mariadb.sh",
            ]
          : [
              `printf '#!/bin/sh\\nexit 1\\n' >/tmp/broken; chmod +x /tmp/broken; mount --bind /tmp/broken /usr/bin/${broken}`,
            ],
        "run mo_games",
      );
      expect(ran.code, `${broken}: ${ran.output}`).not.toBe(0);
      expect(ran.stdout, broken).not.toMatch(/"ok": true/);
    }
  });

  it("in a command of a function, in a condition or in a substitution too", async () => {
    const ran = await host.bash(
      [
        "export etc=/etc/estate-backup lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup work=/tmp",
        'cp "$lib/mariadb.sh" /tmp/mariadb.sh',
        `echo 'inner() { false; echo went on; }; outer() { local found; found=$(inner); echo "$found"; }' >>/tmp/mariadb.sh`,
        'mount --bind /tmp/mariadb.sh "$lib/mariadb.sh"; source "$lib/agent.sh"',
        "if step 0 outer; then echo done; fi; step 0 outer || echo failed; if ! step 0 inner; then echo failed; fi",
      ].join("\n"),
    );
    expect(ran.stdout).toBe("failed\nfailed\n");
  });

  it("waits for a lock no longer than is stated, and saves the next database", async () => {
    await host.set("DUMP_SECONDS", "2");
    await host.write("/srv/mo_crm/locked", "");
    const ran = await host.agent("run");
    await host.bash("rm /srv/mo_crm/locked");
    await host.set("DUMP_SECONDS", "3600");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: dump of mo_crm: it took longer than it may/);
    expect(saved(ran.stdout)).toMatchObject({ failed: ["mo_crm"], ok: false });
    expect(saved(ran.stdout).objects.map(({ database }) => database)).toContain("mo_games");
  });

  it("for want of room says so and leaves nothing half", async () => {
    const ran = await host.bash(
      [
        "head -c 300000 /dev/urandom | base64 >/srv/mo_crm/large.table",
        "mount -t tmpfs -o size=128k none /var/backups/estate",
        "estate-backup run mo_crm mo_games; code=$?",
        "find /var/backups/estate -type f >&2; exit $code",
      ].join("\n"),
    );
    await host.bash("rm /srv/mo_crm/large.table");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: dump of mo_crm: No space left on device/);
    expect(ran.stderr).not.toMatch(/mo_crm\/.*(part|age)$/m);
    expect(saved(ran.stdout)).toMatchObject({ ok: false, failed: ["mo_crm"] });
    expect(saved(ran.stdout).objects.map(({ database }) => database)).toEqual(["mo_games"]);
  });

  it("shows no row of data", async () => {
    const canary = "canary-row-4711";
    const ran = await changed(
      [
        `echo 'dump() { echo "Duplicate entry ${canary}" >&2; exit 3; }' >>/tmp/estate-backup/mariadb.sh`,
        "mount --bind /tmp/estate-backup/mariadb.sh /usr/local/lib/estate-backup/mariadb.sh",
      ],
      "run mo_crm",
    );
    expect(ran.code).toBe(1);
    expect(ran.output).toContain("FAILED: dump of mo_crm");
    expect(ran.output).not.toContain(canary);
  });

  it("to reach the bucket tries again, keeps the dump here, and has the service's code in its words", async () => {
    await host.set("TRIES", "2");
    const url = `${store.output.endpoint}/nobodys-bucket`;
    const ran = await host.bash(
      `sed -i 's|^BUCKET_URL=.*|BUCKET_URL=${url}|' /etc/estate-backup/agent.conf; estate-backup run mo_games`,
    );
    await host.set("BUCKET_URL", `${store.output.endpoint}/${store.output.bucket}`);
    await host.set("TRIES", "5");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /upload of daily\/mariadb\/mo_games\/\S+ failed \(40\d \w+; try 1 of 2\), again in 1 s/,
    );
    expect(ran.stderr).toMatch(
      /FAILED: upload of daily\/mariadb\/mo_games\/\S+: 40\d (AccessDenied|NoSuchBucket)/,
    );
    expect((await host.bash("ls /var/backups/estate/mo_games")).stdout).toContain(saved(ran.stdout).run);
  });
});

describe("a name", () => {
  it("that is taken is an error, and what was there stays the only version", async () => {
    const key = "daily/mariadb/mo_games/20260101T020000Z-00000001.sql.zst.age";
    const upload = (text: string) =>
      host.bash(
        [
          "export etc=/etc/estate-backup lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup work=/tmp",
          'set -euo pipefail; source "$lib/agent.sh"',
          `echo ${text} >/tmp/body; upload /tmp/body ${key}`,
        ].join("\n"),
      );
    expect((await upload("first")).code).toBe(0);
    const second = await upload("second");
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/FAILED: upload of \S+: this name is taken in the bucket/);
    expect(await keysBelow(key)).toEqual([key]);
    expect((await object(key)).toString()).toBe("first\n");
  });

  it("whose upload got through though its answer was lost is no error", async () => {
    const way = await losingWay(Number(new URL(store.output.endpoint ?? "").port));
    try {
      await host.bash("head -c 200000 /dev/urandom | base64 >/srv/mo_games/large.table");
      await host.set("BUCKET_URL", `https://127.0.0.1:${way.port}/${store.output.bucket}`);
      const ran = await host.agent("run", "mo_games");
      await host.set("BUCKET_URL", `${store.output.endpoint}/${store.output.bucket}`);
      await host.bash("rm /srv/mo_games/large.table");
      expect(way.lost()).toBe(1);
      expect(ran.code, ran.output).toBe(0);
      expect(ran.stderr).toMatch(/was there already: the answer to an earlier try was lost/);
      const [games] = saved(ran.stdout).objects;
      expect(await keysBelow(games?.key ?? "")).toEqual([games?.key]);
    } finally {
      await way.close();
    }
  });
});

describe("the credentials of a host", () => {
  it("put what is not there, and can do nothing else to what is", async () => {
    const Bucket = store.output.bucket;
    const Key = "daily/mariadb/mo_crm/20260102T020000Z-00000001.sql.zst.age";
    const s3 = bucketClient(store.output, await store.writer("mariadb"));
    const put = (more: object = {}) =>
      refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body: "poison", ...more })));
    try {
      expect(await put({ IfNoneMatch: "*" })).toBeUndefined();
      expect(await put({ IfNoneMatch: "*" })).toBe("PreconditionFailed");
      expect(await put()).toBe("AccessDenied");
      expect(await put({ IfMatch: "*" })).toBe("AccessDenied");
      expect(await refusal(s3.send(new CreateMultipartUploadCommand({ Bucket, Key })))).toBe("AccessDenied");
      expect(await refusal(s3.send(new DeleteObjectCommand({ Bucket, Key })))).toBe("AccessDenied");
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key })))).toBe("AccessDenied");
      expect(await refusal(s3.send(new ListObjectVersionsCommand({ Bucket })))).toBe("AccessDenied");
      expect(await keysBelow(Key)).toHaveLength(1);
    } finally {
      s3.destroy();
    }
  });
});
