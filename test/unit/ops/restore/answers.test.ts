import { describe, expect, it } from "vitest";
import { databases } from "../../../../estate/catalogue";
import type { DatabaseHost } from "../../../../ops/backup/hosts";
import { RestoreSteps } from "../../../../ops/restore/host";
import { restoreNames } from "../../../../ops/restore/names";

const [entry] = databases.filter(({ engine }) => engine === "postgres");
if (!entry) throw new Error("the catalogue has no database of PostgreSQL");

/** Steps on a host that answers the same to all of them. */
function stepsOn(answer: string): RestoreSteps {
  const host: DatabaseHost = {
    name: entry?.server ?? "",
    script: async () => answer,
    filter: async () => ({ stdout: answer, stderr: "", code: 0 }),
    close: () => undefined,
  };
  return new RestoreSteps(
    host,
    entry as NonNullable<typeof entry>,
    restoreNames("mo_idp", new Date(0)),
    5432,
  );
}

describe("what a host answers to a step of a restore", () => {
  it.each([
    "",
    "\n",
    "-1",
    "1e9",
    "NaN",
    "0x10",
    " 12",
    "12 ms",
    "9".repeat(40),
  ])("%j is no number", async (answer) => {
    await expect(stepsOn(answer).swap()).rejects.toThrow("the host's answer to swap is no number");
    await expect(stepsOn(answer).look()).rejects.toThrow("the host's answer to look is no number");
  });

  it("is taken where it is one", async () => {
    expect(await stepsOn("12\n").swap()).toBe(12);
    expect(await stepsOn("1048576\nmo_idp\n").look()).toEqual({ freeBytes: 1048576, names: ["mo_idp"] });
  });
});
