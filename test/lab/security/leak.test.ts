import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../../connect/redis";
import { mariadb, onHost, postgres } from "../../support/lab";
import { filesBelow, findLeaks, type Place, watchProcesses } from "../../support/leak";
import { plannedChanges, pulumi } from "../../support/project";
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
/** One account of each engine whose password is rotated: the former one goes on beside it. */
const replaced = ["mo_grafana-password", "mo_votes-password", "mo_hooks-password", "redis-svc_main-password"];
/** And the steps on the hosts that write the admins. */
const rewritten = ["mariadb-server", "postgres-server", "redis-server"];

describe("a password the program generates, with every statement logged", () => {
  /** Old and new ones, by resource. */
  let secrets: Map<string, string>;
  let places: Place[];
  let redis: RedisServer;
  let directory: string;
  let stopLogging: () => Promise<void> = async () => undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "estate-leak-"));
    redis = await redisAdmin();
    const before = await generatedPasswords();
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
      await pulumi(["refresh", ...stack, "--yes", "--diff"]),
      await pulumi(["preview", ...stack, "--diff", "--save-plan", plan, ...replace], {
        env: { PULUMI_EXPERIMENTAL: "true" },
      }),
      await pulumi(["preview", ...stack, "--json", ...replace]),
      await pulumi(["up", ...stack, "--yes", "--diff", ...replace]),
    ];
    await exposed;
    const processes = await watched.stop();
    for (const { code, output } of outputs) expect(code, output).toBe(0);

    const after = await generatedPasswords();
    for (const name of replaced) expect(after.get(name), name).not.toBe(before.get(name));
    secrets = new Map([...[...before].map(([name, value]) => [`${name} (old)`, value] as const), ...after]);

    const backend = fileURLToPath(process.env.PULUMI_BACKEND_URL ?? "");
    await sleep(200);
    places = [
      ...outputs.map(({ output }, at) => ({ where: `output of pulumi, run ${at + 1}`, text: output })),
      { where: "plan file", text: await readFile(plan, "utf8") },
      ...(await filesBelow(backend)),
      ...processes,
      ...(await readEveryLog(redis)),
    ];
  });

  afterAll(async () => {
    await stopLogging();
    await redis?.close();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  it("is nowhere: not in a log, the state, its history, the plan, the output or the process list", () => {
    expect(secrets.size).toBeGreaterThan(50);
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
