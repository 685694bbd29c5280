import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Manifest, parseManifest } from "../../../ops/backup/manifest";
import { type AgentHost, agentHost } from "../../support/agent-host";
import { type BackupStore, startBackupStore } from "../../support/backups";

/** The frame of a proof: what the engine is may do nothing, and what it does to the dump's way is nothing. */

let store: BackupStore;
let host: AgentHost;
let library: string;
const LIBRARY = "/usr/local/lib/estate-backup/mariadb.sh";

/** An engine of files: it loads a dump into one and counts its lines. */
const ENGINE = `
proof_begin() { [ "$PWD" = "$1" ]; }
proof_load() { grep '^(' >"$2/$1" || [ $? = 1 ]; }
proof_counts() { jq -n --argjson n "$(wc -l <"$2/$1")" '{rows: {members: $n}, faults: []}'; }
proof_end() { :; }
`;

beforeAll(async () => {
  store = await startBackupStore();
  host = await agentHost({ suite: "trixie", host: "mariadb", store, databases: { mo_crm: "daily" } });
  library = await host.read(LIBRARY);
  await host.write("/srv/mo_crm/members.table", "(1)\n(2)\n");
  await host.set("PROOF_BYTES", "10000000");
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
});

interface Proven {
  manifest: Manifest;
  proof: Manifest["objects"][number]["proof"];
  output: string;
}

/** A run of a host whose engine is that one, with nothing proven before. */
async function run(engine: string, prepare = ""): Promise<Proven> {
  await host.write(LIBRARY, library + engine);
  const ran = await host.bash(`rm -rf /var/lib/estate-backup/proofs; ${prepare}\nestate-backup run`);
  expect(ran.code, ran.output).toBe(0);
  const manifest = parseManifest(ran.stdout, "the manifest");
  expect(manifest.objects[0]).toMatchObject({ database: "mo_crm", rows: { members: 2 } });
  const left = await host.bash("ls -A /var/lib/estate-proof; ls -d /var/lib/estate-backup/run.*/");
  expect(left.stdout).toBe("");
  return { manifest, proof: manifest.objects[0]?.proof, output: ran.output };
}

describe("a proof", () => {
  it("is none where the engine has none, or the host may not run one", async () => {
    expect((await run("")).proof).toBeUndefined();
    await host.set("PROOF", "no");
    expect((await run(ENGINE)).proof).toBeUndefined();
    await host.set("PROOF", "yes");
  });

  it("says that the dump was loaded and has the rows that its manifest says", async () => {
    const { proof } = await run(ENGINE);
    expect(proof).toEqual({ ok: true, at: expect.any(String) });
  });

  it("says what differs, and the dump is saved all the same", async () => {
    const fewer = `${ENGINE}proof_load() { head -n 1 >"$2/$1"; cat >/dev/null; }\n`;
    expect((await run(fewer)).proof).toMatchObject({
      ok: false,
      words: "table members has 1 rows, the dump has 2",
    });
    const faulty = ENGINE.replace("faults: []", 'faults: ["view v is not usable"]');
    expect((await run(faulty)).proof).toMatchObject({ ok: false, words: "view v is not usable" });
  });

  it.each([
    ["does not start", "proof_begin() { return 1; }"],
    ["breaks off in the middle", "proof_load() { head -c 1; echo canary-row >&2; return 3; }"],
    ["is killed", "proof_load() { bash -c 'kill -KILL $$'; }"],
    ["counts what is no count", "proof_counts() { echo canary-row; }"],
  ])("that %s is a failed one, shows no row, and the dump is whole", async (_, broken) => {
    // More than a pipe holds: what is written to a reader that is gone must not end the dump.
    const large = `dump() {
      head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000
      printf '(1)\\n(2)\\n'; echo '{"members": 2}' >"$2"; echo '-- Dump completed'
    }\n`;
    const { proof, output } = await run(`${ENGINE}${large}${broken}\n`);
    expect(proof).toMatchObject({ ok: false, words: expect.stringMatching(/./) });
    expect(output).not.toContain("canary-row");
  });

  it("ends in its time, with everything that it has started", async () => {
    await host.set("PROOF_SECONDS", "2");
    const hanging = `${ENGINE}proof_load() { (exec -a left-behind sleep 300) & sleep 300; }\n`;
    await host.write(LIBRARY, library + hanging);
    const ran = await host.bash(
      "rm -rf /var/lib/estate-backup/proofs; estate-backup run; grep -l 'left[-]behind' /proc/[0-9]*/cmdline >&2; true",
    );
    await host.set("PROOF_SECONDS", "1800");
    const { objects } = parseManifest(ran.stdout, "the manifest");
    expect(objects[0]?.proof).toMatchObject({
      ok: false,
      words: expect.stringMatching(/^it took more time, memory or disk than it may \(/),
    });
    expect(ran.stderr).not.toContain("/proc/");
  });

  it("has so much disk and no more, in one file or in many", async () => {
    await host.set("PROOF_BYTES", "2000000");
    const one = `${ENGINE}proof_load() { head -c 5000000 /dev/zero >"$2/one"; cat >/dev/null; }\n`;
    expect((await run(one)).proof).toMatchObject({ ok: false });
    const many = `${ENGINE}proof_load() { for n in 1 2 3 4 5; do head -c 1000000 /dev/zero >"$2/$n"; sleep 1; done; sleep 30; }\n`;
    expect((await run(many)).proof).toMatchObject({
      ok: false,
      words: expect.stringMatching(/^it took more time, memory or disk than it may \(/),
    });
    await host.set("PROOF_BYTES", "10000000000");
    await host.write("/srv/bin/df", "#!/bin/bash\necho Avail\necho 4000000\n");
    const half = await run(many, "chmod 755 /srv/bin/df; export PATH=/srv/bin:$PATH");
    expect(half.proof?.words).toBe("it took more time, memory or disk than it may (1800 s, 2.0G, 2.0M)");
    await host.set("PROOF_BYTES", "10000000");
  });

  it("leaves nothing where everybody may write", async () => {
    const littering = `${ENGINE}proof_end() { for place in /tmp /var/tmp /dev/shm; do echo left >"$place/left-behind" || true; done; }\n`;
    expect((await run(littering, "mkdir -p /var/tmp")).proof?.ok).toBe(true);
    const left = await host.bash("ls /tmp/left-behind /var/tmp/left-behind /dev/shm/left-behind 2>/dev/null");
    expect(left.stdout).toBe("");
  });

  it("has no network, and does not see what is live on the host", async () => {
    const looking = `${ENGINE}proof_counts() {
      jq -n --arg links "$(grep -c ':' /proc/net/dev)" --arg live "$(ls -A /var/lib/mysql /run/mysqld)" \\
        '{rows: {members: 2}, faults: ["links \\($links), live: \\($live)"]}'
    }\n`;
    const secret = "mkdir -p /var/lib/mysql /run/mysqld; touch /var/lib/mysql/secret /run/mysqld/mysqld.sock";
    const { proof } = await run(looking, secret);
    expect(proof?.words).toMatch(/^links 1, live: \/run\/mysqld:\n?.*\/var\/lib\/mysql:$/s);
  });
});

describe("a proof that fails", () => {
  it("does not keep the next database from being saved, whose dump fails on the way too", async () => {
    await host.set("PROOF_BYTES", "10000000");
    await host.set(
      "DATABASES",
      "'mo_crm:daily mo_n8n:daily mo_games:daily mo_hooks:daily mo_consent:daily mo_nextcloud:daily mo_api_stg:daily'",
    );
    for (const name of ["mo_n8n", "mo_games", "mo_hooks", "mo_consent", "mo_nextcloud", "mo_api_stg"])
      await host.write(`/srv/${name}/t.table`, "(1)\n");
    const failing = `${ENGINE}eval "$(declare -f dump | sed '1s/dump/dump_it/')"\ndump() { [ "$1" != mo_api_stg ] || return 1; dump_it "$@"; }\n`;
    await host.write(LIBRARY, library + failing);
    const night = () => host.bash("estate-backup run");
    await host.bash("rm -rf /var/lib/estate-backup/proofs");
    const proven = async () => {
      const { objects, failed } = parseManifest((await night()).stdout, "the manifest");
      expect(failed).toEqual(["mo_api_stg"]);
      return objects.filter(({ proof }) => proof).map(({ database }) => database);
    };
    // mo_api_stg is among the first two, and is no reason for any other to wait.
    const nights = [await proven()];
    for (const name of ["mo_api_stg", ...(nights[0] ?? [])])
      await host.bash(`touch -d '1 day ago' /var/lib/estate-backup/proofs/${name}.*`);
    nights.push(await proven());
    expect(new Set(nights.flat()).size).toBe(nights.flat().length);
    expect(nights.flat().length).toBeGreaterThanOrEqual(3);
    await host.set("DATABASES", "'mo_crm:daily'");
  });
});

describe("the choice", () => {
  it("gives each its turn within a week: the oldest first, and the changed ones of those", async () => {
    await host.write(LIBRARY, library + ENGINE);
    const names = Array.from({ length: 8 }, (_, n) => `db${n}`);
    await host.set("DATABASES", `'${names.map((name) => `${name}:daily`).join(" ")}'`);
    const choose = async (prepare: string) =>
      (
        await host.bash(
          [
            "export etc=/etc/estate-backup lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup",
            'source "$lib/agent.sh"; rm -rf "$state/proofs" "$LOCAL"/db*; mkdir -p "$state/proofs"',
            prepare,
            "choose_proofs",
          ].join("\n"),
        )
      ).stdout
        .trim()
        .split("\n");
    const proven = (name: string, days: number, rows: number) =>
      `echo '{"rows":{"t":${rows}}}' >"$state/proofs/${name}.json"; touch -d '${days} days ago' "$state/proofs/${name}.json"`;
    const saved = (name: string, rows: number) =>
      `mkdir -p "$LOCAL/${name}"; echo '{"rows":{"t":${rows}}}' >"$LOCAL/${name}/20260101T000000Z-00000000.json"`;
    expect(await choose("")).toEqual(["db0", "db1"]);
    const all = names.map((name, n) => proven(name, n, 1)).join("\n");
    expect(await choose(all)).toEqual(["db7", "db6"]);
    const equal = [
      ...names.map((name) => proven(name, 3, 1)),
      ...names.map((name) => saved(name, name === "db5" ? 2 : 1)),
    ];
    expect(await choose(equal.join("\n"))).toEqual(["db5", "db0"]);
  });
});
