import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseManifest } from "../../../ops/backup/manifest";
import { type AgentHost, agentHost } from "../../support/agent-host";
import { type BackupStore, startBackupStore } from "../../support/backups";
import { projectDirectory } from "../../support/run";

/** Files of the log, and a server that lets nobody in while its disk is full. */
const ENGINE = `
dump() {
  [ ! -e /srv/full ] || sleep 600
  echo '{"scores": 1}' >"$2"
  echo '-- Dump completed'
}
server_version() { [ ! -e /srv/full ] || sleep 600; echo 11.8; }
logs_changes() { [ ! -e /srv/full ] || sleep 600; true; }
waits_for_room() { [ -e /srv/full ]; }
`;

let store: BackupStore;
let host: AgentHost;

beforeAll(async () => {
  store = await startBackupStore();
  const databases = { mo_games: "archive" } as const;
  host = await agentHost({ suite: "trixie", host: "mariadb", store, databases, engine: ENGINE });
  await host.write("/srv/log/binlog.000001", "changes");
});
afterAll(async () => {
  await host?.remove();
  await store?.stop();
});

/** A directory without a byte of room, then what is to run. */
const fullAt = (directory: string, ...lines: string[]) =>
  host.bash(
    [
      `mkdir -p ${directory}`,
      `mount -t tmpfs -o size=4k none ${directory}`,
      `head -c 4096 /dev/zero >${directory}/fill`,
      ...lines,
    ].join("\n"),
  );

describe("a disk that is full", () => {
  it("where a run works is named, though the client's own words found no room", async () => {
    const ran = await fullAt("/var/lib/estate-backup", "estate-backup run mo_games");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: dump of mo_games: No space left on device$/m);
  });

  it("is named by what sends the log", async () => {
    const ran = await fullAt(
      "/var/lib/estate-backup",
      "mkdir -p /var/lib/estate-backup/sent",
      "estate-backup log",
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/FAILED: log of changes: No space left on device$/m);
  });

  it("leaves no half note of a copy, which the archive would rely on", async () => {
    const ran = await host.bash(
      [
        // Room for the copy, and for nothing else.
        "mkdir -p /var/backups/estate && mount -t tmpfs -o size=4k none /var/backups/estate",
        "estate-backup run >/dev/null; code=$?",
        'find /var/backups/estate -type f -printf "left %f\\n" >&2; exit $code',
      ].join("\n"),
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/No space left on device/);
    expect(ran.stderr).toMatch(/^left .*\.sql\.zst\.age$/m);
    expect(ran.stderr).not.toMatch(/^left .*\.json$/m);
  });

  it("of the server ends a run in seconds, for it would answer when somebody has made room", {
    timeout: 90_000,
  }, async () => {
    await host.write("/srv/full", "");
    const began = Date.now();
    const ran = await host.agent("run", "mo_games");
    const log = await host.agent("log");
    const copy = await host.agent("base");
    await host.bash("rm /srv/full");
    expect(Date.now() - began).toBeLessThan(60_000);
    expect([ran.code, log.code, copy.code]).toEqual([1, 1, 1]);
    const words =
      "No space left on device where the server keeps its data; it answers nobody until there is room";
    expect(ran.stderr).toContain(`FAILED: dump of mo_games: ${words}`);
    expect(log.stderr).toContain(`FAILED: log of changes: ${words}`);
    expect(copy.stderr).toContain(`FAILED: physical copy: ${words}`);
    expect(parseManifest(ran.stdout, "the manifest")).toMatchObject({ ok: false, failed: ["mo_games"] });
  });

  it("that fills up during a dump is named when its time is over", async () => {
    await host.set("DUMP_SECONDS", "2");
    const ran = await host.bash(
      "(sleep 1; touch /srv/full) & sed -i 's/^dump() {/dump() { sleep 600;/' /usr/local/lib/estate-backup/mariadb.sh; estate-backup run mo_games",
    );
    await host.set("DUMP_SECONDS", "3600");
    await host.bash(
      "rm -f /srv/full; sed -i 's/^dump() { sleep 600;/dump() {/' /usr/local/lib/estate-backup/mariadb.sh",
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(
      /FAILED: dump of mo_games: the server waits, for its disk is full: No space left on device/,
    );
  });

  it("leaves no name of the server's life that is none: with room again it has one", async () => {
    // The engine's own functions, which the engine of files has taken the place of.
    const own = readFileSync(`${projectDirectory}/components/agent/mariadb.sh`, "utf8").replace(
      /^source .*$/gm,
      "",
    );
    await host.write("/srv/own.sh", own);
    const asks =
      "bash -eo pipefail -c 'shopt -s inherit_errexit; source $lib/common.sh; work=/tmp; source /srv/own.sh; epoch'";
    const ran = await fullAt(
      "/var/lib/estate-backup",
      "export lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup",
      "mkdir -p /var/lib/mysql/mysql",
      `${asks} && echo "named on a full disk" >&2`,
      "rm /var/lib/estate-backup/fill",
      asks,
    );
    expect(ran.code, ran.output).toBe(0);
    expect(ran.stderr).not.toContain("named on a full disk");
    expect(ran.stdout).toMatch(/^\d{8}T\d{6}Z\n$/);
  });

  it("is what MariaDB waits for where it keeps its data", async () => {
    const ask = [
      "export lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup work=/tmp",
      "asks() { bash -eo pipefail -c 'source $lib/common.sh; source /srv/own.sh; waits_for_room'; }",
    ];
    const full = await fullAt(
      "/var/lib/mysql",
      ...ask,
      "asks; echo $?; rm /var/lib/mysql/fill; asks; echo $?",
    );
    expect(full.stdout).toBe("0\n1\n");
  });
});
