import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../../connect/redis";
import { mariadb, onHost, postgres } from "../../support/lab";
import { publishedSecrets } from "../../support/lab-github";
import { filesBelow, findLeaks, type Place, privateKeyLines, watchProcesses } from "../../support/leak";
import { copyProject, type ProjectCopy, plannedChanges, pulumi } from "../../support/project";
import { run, succeed } from "../../support/run";
import { exportState, generatedPasswords, loginOf, redisAdmin } from "../../support/state";
import { logEveryStatement, readEveryLog, searchHost } from "../../support/statement-logs";

const stack = ["--stack", "local"];
/** What leaks when somebody sets a password by hand, in clear: the search has to find it. */
const planted = new Map(
  ["postgres", "plesk", "mariadb", "process"].map((name) => [
    name,
    `planted-${name}-${randomBytes(12).toString("hex")}`,
  ]),
);
const plantedIn = (name: string) => planted.get(name) ?? "";
/** One account of each engine whose password leaked: rotated by the operator's command, and with it a context key. */
const forced = ["mo_grafana", "mo_votes", "mo_hooks", "svc_main", "ncy8"];
/** One of each whose former password goes on beside the new one. */
const replaced = ["mo_idp-password", "mo_forum-password", "mo_games-password", "redis-svc_n8n-password"];
const renewed = forced.map((name) => `${name.replace(/^svc_/, "redis-svc_")}-password`).concat(replaced);
/** And the steps on the hosts that write the admins. */
const rewritten = ["mariadb-server", "postgres-server", "redis-svc_crm-instance"];

/** What is published and secret, and of a context key what the database holds of it. */
async function publishedNow(when: string): Promise<[name: string, value: string][]> {
  const held = Object.entries(await publishedSecrets());
  return held.flatMap(([name, value]): [string, string][] => {
    if (/_(PASS|PASSWORD|URL)$/.test(name)) return [[`${name} (${when})`, value]];
    if (name.endsWith("_CLIENT_CERTIFICATE"))
      return privateKeyLines(value).map((line, at) => [`${name} (${when}), line ${at + 1}`, line]);
    if (!name.endsWith("_CONTEXT_KEY")) return [];
    const key = value.replace(/^k\d+:/, "");
    const block = Buffer.alloc(64);
    block.write(key);
    const pad = (byte: number) => Buffer.from(block.map((each) => each ^ byte)).toString("hex");
    return [
      [`${name} (${when})`, key],
      [`${name} (${when}), inner pad`, pad(0x36)],
      [`${name} (${when}), outer pad`, pad(0x5c)],
    ];
  });
}

describe("a password the program generates, with every statement logged", () => {
  /** Old and new ones, by resource. */
  let secrets: Map<string, string>;
  let places: Place[];
  let redis: RedisServer;
  let directory: string;
  let copy: ProjectCopy;
  let stopLogging: () => Promise<void> = async () => undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "estate-leak-"));
    redis = await redisAdmin();
    copy = await copyProject();
    const before = await generatedPasswords();
    const publishedBefore = await publishedNow("old");
    stopLogging = await logEveryStatement(redis);

    await postgres(
      "postgres",
      `ALTER ROLE ${(await loginOf("mo_idp")).user} PASSWORD '${plantedIn("postgres")}'`,
    );
    await mariadb("plesk", `SET PASSWORD FOR svc_newsletter@localhost = PASSWORD('${plantedIn("plesk")}')`);
    await mariadb("mariadb", `SET PASSWORD FOR svc_n8n@'10.77.0.11' = PASSWORD('${plantedIn("mariadb")}')`);
    await redis.call("ACL", "SETUSER", "svc_crm", "resetpass", `>${randomBytes(24).toString("hex")}`);

    const watched = watchProcesses();
    const exposed = run("sh", ["-c", "sleep 1 # $0", plantedIn("process")]);
    const plan = join(directory, "plan.json");
    const replace = replaced.concat(rewritten).flatMap((name) => ["--replace", `**::${name}`]);
    const outputs = [
      await run(
        join(copy.directory, "ops/estate"),
        ["rotate", ...stack, "--now", ...forced, "--reason", "a test"],
        { cwd: copy.directory },
      ),
      await copy.pulumi(["refresh", ...stack, "--yes", "--diff"]),
      await copy.pulumi(["preview", ...stack, "--diff", "--save-plan", plan, ...replace], {
        PULUMI_EXPERIMENTAL: "true",
      }),
      await copy.pulumi(["preview", ...stack, "--json", ...replace]),
      await copy.pulumi(["up", ...stack, "--yes", "--diff", ...replace]),
      // The project itself knows of no leak: nothing is rotated again.
      await pulumi(["up", ...stack, "--yes", "--skip-preview"]),
      await run("ops/estate", ["rotate", ...stack, "--status"]),
    ];
    await exposed;
    const processes = await watched.stop();
    for (const { code, output } of outputs) expect(code, output).toBe(0);

    const after = await generatedPasswords();
    for (const name of renewed) expect(after.get(name), name).not.toBe(before.get(name));
    const publishedAfter = await publishedNow("new");
    const changed = publishedAfter.filter(([, value]) => !publishedBefore.some(([, old]) => old === value));
    // Password and URL of each, and a key with its pads.
    expect(changed).toHaveLength(2 * renewed.length + 3);
    secrets = new Map([
      ...[...before].map(([name, value]) => [`${name} (old)`, value] as const),
      ...after,
      ...publishedBefore,
      ...publishedAfter,
    ]);

    const backend = fileURLToPath(process.env.PULUMI_BACKEND_URL ?? "");
    await sleep(200);
    places = [
      ...outputs.map(({ output }, at) => ({ where: `output of run ${at + 1}`, text: output })),
      { where: "plan file", text: await readFile(plan, "utf8") },
      ...(await filesBelow(backend)),
      ...processes,
      ...(await readEveryLog(redis)),
    ];
  });

  afterAll(async () => {
    await stopLogging();
    await redis?.close();
    await copy?.remove();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  it("is nowhere: not in a log, the state, its history, the plan, the output or the process list", () => {
    expect(secrets.size).toBeGreaterThan(150);
    expect(places.length).toBeGreaterThan(20);
    expect(findLeaks(places, secrets)).toEqual([]);
  });

  it.each(["plesk", "mariadb", "postgres", "redis"] as const)("is in no file on host %s", async (host) => {
    // A search that finds nothing at all might not search: it has to find this.
    const control = `planted-file-${randomBytes(12).toString("hex")}`;
    const file = `/var/tmp/${randomBytes(6).toString("hex")}`;
    await onHost(host, ["sh", "-c", `cat > ${file}`], `a line\npassword=${control}\n`);
    const found = await searchHost(host, [...secrets.values(), control]).finally(() =>
      onHost(host, ["rm", "-f", file]),
    );
    expect(found).toEqual([file]);
  });

  it("would be found: what was set by hand, in clear, is", async () => {
    const leaks = findLeaks(places, planted);
    expect(leaks).toEqual(
      expect.arrayContaining([
        "postgres: server log: postgres (in clear)",
        "postgres: pg_stat_statements: postgres (in clear)",
        "plesk: general log: plesk (in clear)",
        "mariadb: general log: mariadb (in clear)",
      ]),
    );
    expect(leaks.filter((leak) => leak.startsWith("process list"))).not.toEqual([]);
    expect(await searchHost("postgres", [plantedIn("postgres")])).toContain(
      "/var/log/postgresql/postgresql-17-main.log",
    );
  });

  it("is looked for where the names of what was rotated are: state, plan and output", () => {
    const found = findLeaks(places, new Map([["a name", "mo_grafana-password"]]));
    for (const place of [
      /^plan file: /m,
      /^output of run 5: /m,
      /\/stacks\/.*local\.json: /m,
      /\/history\/.*: /m,
    ]) {
      expect(found.join("\n")).toMatch(place);
    }
  });

  it("shows that the logs do hold what the program wrote: hashes", () => {
    const log = (where: string) => places.find((place) => place.where === where)?.text ?? "";
    expect(log("postgres: server log")).toMatch(/ALTER ROLE "?svc_grafana_[ab].*SCRAM-SHA-256\$4096/);
    expect(log("plesk: general log")).toMatch(/ALTER USER 'svc_votes'.*'\*[0-9A-F]{40}'/);
    expect(log("mariadb: general log")).toMatch(/ALTER USER 'svc_hooks'.*'\*[0-9A-F]{40}'/);
  });

  it("no private key of a server or of SSH is in the state, its history or the output", async () => {
    const keys = new Map<string, string>();
    const add = (name: string, pem: string) => {
      const lines = pem.split("\n").filter((line) => line.length > 30 && !line.startsWith("-"));
      lines.forEach((line, at) => {
        keys.set(`${name}, line ${at + 1}`, line);
      });
      expect(lines.length, name).toBeGreaterThan(0);
    };
    const serverKeys = async () => {
      add("key of postgres", await onHost("postgres", ["cat", "/etc/postgresql/tls/server.key"]));
      add("key of mariadb", await onHost("mariadb", ["cat", "/etc/mysql/tls/server.key"]));
      add("key of redis", await onHost("redis", ["cat", "/etc/redis/tls/server.key"]));
    };
    await serverKeys();
    // With the secrets opened, too: a server's key never leaves its host.
    expect(findLeaks([{ where: "opened state", text: (await exportState()).text }], keys)).toEqual([]);
    add("key of SSH", await succeed("cat", [process.env.SSH_PRIVATE_KEY_FILE ?? ""]));
    expect(findLeaks(places, keys)).toEqual([]);
  });

  it("leaves the estate as it was declared", async () => {
    expect(await plannedChanges()).toEqual([]);
    expect((await run("ops/estate", ["check", ...stack])).code).toBe(0);
  });
});
