import { beforeAll, describe, expect, it } from "vitest";
import { redisUsers } from "../../../estate/catalogue";
import { type Exposure, watchExposure } from "../../support/exposure";
import { onHost } from "../../support/lab";
import { type PlannedChange, plannedChanges, pulumi } from "../../support/project";
import { type Finished, run, succeed } from "../../support/run";

const doors = {
  mariadb: ["10.77.0.12:3306"],
  postgres: ["10.77.0.13:5432"],
  redis: redisUsers.map(({ port }) => `10.77.0.14:${port}`).sort(),
};
type Host = keyof typeof doors;
const hosts = Object.keys(doors) as Host[];

/** The loss of three machines at once, and blank ones in their place, with keys of their own. */
describe("hosts that were replaced by blank ones", () => {
  let refreshed: Finished;
  let planned: PlannedChange[];
  let up: Finished;
  let exposure: Record<Host, Exposure>;

  beforeAll(async () => {
    for (const host of hosts) await succeed("lab/lab", ["reset", host]);
    refreshed = await pulumi(["refresh", "--stack", "local", "--yes"]);
    planned = await plannedChanges();
    const watches = hosts.map((host) => ({ host, watch: watchExposure(host) }));
    up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    const seen = await Promise.all(
      watches.map(async ({ host, watch }) => [host, await watch.stop()] as const),
    );
    exposure = Object.fromEntries(seen) as Record<Host, Exposure>;
  }, 600_000);

  it("are not trusted by a refresh, which knows their former keys; it says what to do", () => {
    expect(refreshed.code).not.toBe(0);
    expect(refreshed.output).toContain("another host key than the pinned one");
    expect(refreshed.output).toMatch(/with the new one pinned, `pulumi up` takes it over/);
  });

  it("show in the preview: each thing on them will be made again, and nothing is replaced that holds data", () => {
    const fieldsOf = (resource: string) =>
      planned.find((change) => change.resource === resource)?.fields ?? [];
    expect(fieldsOf("estate:host:Machine mariadb-machine")).toEqual(["hostKey"]);
    for (const resource of [
      "estate:host:Firewall redis-firewall",
      "estate:host:Certificate redis-certificate",
      "estate:host:RedisInstance redis-svc_crm-instance",
      "estate:mariadb:Database mo_crm-database",
      "estate:mariadb:Account mo_crm-account",
      "estate:postgres:Role mcp_portal-owner",
      "estate:postgres:Database mcp_portal-database",
      "estate:postgres:Login mcp_portal-login",
      "estate:postgres:RowSecurity mcp_portal-row-security",
      "estate:host:BackupAgent mariadb-backup",
      "estate:postgres:Access postgres-template1-access",
      "estate:redis:User redis-svc_crm-user",
    ])
      expect(fieldsOf(resource), resource).toEqual(["machine"]);
    const replaced = planned.filter(({ op }) => op.includes("replace") || op.includes("delete"));
    expect(new Set(replaced.map(({ resource }) => resource.split(" ")[0]))).toEqual(
      new Set(["command:remote:Command"]),
    );
    expect(planned.filter(({ resource }) => /mo_main|plesk/.test(resource))).toEqual([]);
  });

  it("are servers again after one plain `up`, with every database, account and Redis user", async () => {
    expect(up.code, up.output).toBe(0);
    const checked = await run("ops/estate", ["check", "--stack", "local", "--json"]);
    expect(checked.code, checked.output).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({
      databases: { reachable: 20, total: 20 },
      redis: { reachable: 6, total: 6 },
    });
    expect(await plannedChanges()).toEqual([]);
  });

  it.each(hosts)("%s listened on the network only behind its firewall, from the first moment", (host) => {
    const { samples, listened, unguarded } = exposure[host];
    expect(samples).toBeGreaterThan(100);
    expect(listened).toEqual(doors[host]);
    expect(unguarded).toEqual([]);
  });

  it("are as declared: a refresh finds nothing to change", async () => {
    const again = await pulumi(["refresh", "--stack", "local", "--yes", "--expect-no-changes"]);
    expect(again.code, again.output).toBe(0);
  });

  it("have services that stay up after a restart of the machine's engines", async () => {
    for (const [host, unit] of [
      ["mariadb", "mariadb"],
      ["postgres", "postgresql"],
      ["redis", "redis-server@crm"],
    ] as const)
      expect(await onHost(host, ["systemctl", "is-enabled", unit])).toBe("enabled\n");
  });
});
