import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { judge } from "../../support/pack";
import { membersOf } from "../../support/program-members";
import { recordProgram } from "../../support/program-record";
import { projectDirectory } from "../../support/run";

/** What stands open where backups go to S3, whose addresses change: told in every preview, and not refused. */
const open = ["mariadb", "postgres", "redis"].map(
  (host) =>
    `firewall-outgoing-anywhere ${host}-firewall: tcp 443 is open to every address (backup bucket): rows could leave by it`,
);

/** All that the pack says of a stack's program, but for what is not known yet. */
async function saidOf(stack: string): Promise<string[]> {
  vi.resetModules();
  const members = membersOf(await recordProgram(stack));
  expect(members.length).toBeGreaterThan(250);
  const config = JSON.parse(readFileSync(join(projectDirectory, `policy/config.${stack}.json`), "utf8"));
  return judge(members, { config })
    .filter(({ rule }) => rule !== "preview-complete")
    .map(({ rule, at, message }) => `${rule} ${at}: ${message}`)
    .sort();
}

describe("the declared program", () => {
  it.each(["prod", "staging", "local"])("of %s passes the whole pack, with every resource", async (stack) => {
    expect(await saidOf(stack)).toEqual(stack === "local" ? [] : open);
  }, 60_000);

  it("passes it with a client certificate for every service that can have one", async () => {
    const catalogue = "../../../estate/catalogue";
    vi.doMock(catalogue, async (original) => {
      const { databases, redisUsers, ...rest } = await original<typeof import("../../../estate/catalogue")>();
      const certified = databases.map((entry) =>
        entry.server === "plesk" ? entry : { ...entry, clientCertificate: "required" },
      );
      const certifiedUsers = redisUsers.map((entry) => ({ ...entry, clientCertificate: "required" }));
      return { ...rest, databases: certified, redisUsers: certifiedUsers };
    });
    try {
      expect(await saidOf("local")).toEqual([]);
    } finally {
      vi.doUnmock(catalogue);
    }
  }, 60_000);
});
