import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { planRowSecurity } from "../../../components/plans/row-security";
import { databases, redisUsers } from "../../../estate/catalogue";
import { BACKUP_LOGINS, loginSlots } from "../../../estate/naming";
import { rowSecurityOf } from "../../../estate/row-security";
import { mariadb, onHost, postgres } from "../../support/lab";
import { plannedChanges, pulumi } from "../../support/project";
import { projectDirectory, run, succeed } from "../../support/run";

const up = ["up", "--stack", "local", "--yes", "--skip-preview", "--non-interactive", "--color", "never"];

/** How many resources the state holds so far. */
function recorded(): number {
  const backend = process.env.PULUMI_BACKEND_URL;
  if (!backend) throw new Error('PULUMI_BACKEND_URL is not set: run eval "$(make env)" first');
  const file = `${fileURLToPath(backend)}/.pulumi/stacks/database-estate/local.json`;
  if (!existsSync(file)) return 0;
  return JSON.parse(readFileSync(file, "utf8")).checkpoint.latest?.resources?.length ?? 0;
}

function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = readFileSync(`/proc/${entry}/stat`, "utf8").split(") ")[1]?.split(" ")[1];
      parents.set(Number(entry), Number(parent));
    } catch {
      // ended while we looked
    }
  }
  const below = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** Begins `up` and kills the engine, and only the engine, once the state holds so many resources. */
async function killedAt(resources: number): Promise<{ before: number; orphans: number[] }> {
  const engine: ChildProcess = spawn("pulumi", up, { cwd: projectDirectory, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => engine.once("exit", (code) => resolve(code)));
  let exit: number | null | undefined;
  ended.then((code) => {
    exit = code;
  });
  while (exit === undefined && recorded() < resources) await sleep(20);
  if (exit !== undefined)
    throw new Error(`the engine ended with ${exit} before ${resources} resources were recorded`);
  const orphans = descendants(engine.pid as number);
  engine.kill("SIGKILL");
  await ended;
  return { before: recorded(), orphans };
}

const running = (pids: readonly number[]) => pids.filter((pid) => existsSync(`/proc/${pid}`));

describe("an engine that is killed in the middle of the first `up`", () => {
  beforeAll(async () => {
    for (const host of ["plesk", "mariadb", "postgres", "redis", "cloud"])
      await succeed("lab/lab", ["reset", host]);
    await succeed("ops/estate", ["tunnel", "--stack", "local", "--background"]);
    await succeed("pulumi", [
      "stack",
      "rm",
      "local",
      "--force",
      "--yes",
      "--preserve-config",
      "--non-interactive",
    ]);
    await succeed("pulumi", ["stack", "init", "local", "--non-interactive"]);
  });

  // Each starts where the one before was killed: while hosts are provisioned, among the first databases, among the last.
  it.each([12, 60, 120])("at %i resources leaves no process behind", async (resources) => {
    const { before, orphans } = await killedAt(resources);
    expect(before).toBeGreaterThanOrEqual(resources);
    expect(orphans.length).toBeGreaterThan(0);
    for (let wait = 0; running(orphans).length > 0 && wait < 100; wait++) await sleep(100);
    expect(running(orphans)).toEqual([]);
    await succeed("pulumi", ["cancel", "--yes", "--stack", "local"]);
  });

  it("converges at the next `up`", async () => {
    const finished = await run("pulumi", up);
    expect(finished.code, finished.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes", "--expect-no-changes"]);
    expect(refreshed.code, refreshed.output).toBe(0);
    const checked = await run("ops/estate", ["check", "--stack", "local"]);
    expect(checked.code, checked.output).toBe(0);
  });

  it("leaves nothing twice and nothing that is not declared", async () => {
    for (const server of ["plesk", "mariadb"] as const) {
      const services = databases.filter((entry) => entry.server === server).map(({ service }) => service);
      const accounts = await mariadb(
        server,
        "SELECT User FROM mysql.user WHERE User LIKE 'svc%' ORDER BY User",
      );
      expect(accounts.split("\n").filter(Boolean)).toEqual(services.sort());
    }
    const expected = databases.flatMap((entry) => {
      if (entry.engine !== "postgres") return [];
      const declaration = rowSecurityOf(entry.name);
      const identities = declaration ? Object.keys(planRowSecurity(declaration, entry).identities) : [];
      return [entry.owner, entry.service, ...loginSlots(entry.service), ...identities];
    });
    const roles = await postgres(
      "postgres",
      "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ('postgres', 'estate_admin')",
    );
    expect(roles.split("\n").filter(Boolean).sort()).toEqual(
      [...new Set([...expected, ...Object.values(BACKUP_LOGINS)])].sort(),
    );
    const users = await onHost("redis", [
      "sh",
      "-c",
      "grep -oh '^user svc[a-z0-9_]*' /var/lib/redis/*/users.acl | sort",
    ]);
    expect(users.split("\n").filter(Boolean)).toEqual(redisUsers.map(({ name }) => `user ${name}`).sort());
  });
});
