import { describe, expect, it } from "vitest";
import { plannedChanges, pulumi } from "../../support/project";
import { run } from "../../support/run";

describe("the estate after `up`", () => {
  it("shows no change in a second preview", async () => {
    expect(await plannedChanges()).toEqual([]);
  });

  it("shows no change in a refresh", async () => {
    const refreshed = await pulumi(["refresh", "--stack", "local", "--yes", "--expect-no-changes"]);
    expect(refreshed.output).toMatch(/\d+ unchanged/);
    expect(refreshed.code).toBe(0);
    expect(await plannedChanges()).toEqual([]);
  });

  it("reaches 20 databases and every Redis user over verified TLS", async () => {
    const checked = await run("ops/estate", ["check", "--stack", "local", "--json"]);
    expect(checked.code, checked.output).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({
      databases: { reachable: 20, total: 20 },
      redis: { reachable: 6, total: 6 },
    });
  });
});
