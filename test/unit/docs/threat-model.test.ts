import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectDirectory } from "../../support/run";

const text = readFileSync(join(projectDirectory, "docs", "threat-model.md"), "utf8");
/** Lines of the tables, without their heads. */
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.endsWith("| shown by |"))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));

describe("the threat model", () => {
  it("has these who may turn against the estate", () => {
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, who]) => who)).toEqual([
      "A service that is taken over",
      "A tenant, or a user of an application",
      "A database host that is taken over",
      "A stranger on the network",
      "The web host that is taken over",
      "The holder of an S3 key",
      "The author of a branch",
      "The operator's machine",
    ]);
    expect(rows.length).toBeGreaterThan(25);
  });

  it.each(rows)("%s: %s", (_tries = "", _outcome = "", shown = "") => {
    const [, file = "", title = ""] = /^`(test\/\S+\.test\.ts)`: (.+)$/.exec(shown) ?? [];
    expect(existsSync(join(projectDirectory, file)), shown).toBe(true);
    expect(readFileSync(join(projectDirectory, file), "utf8")).toContain(title);
  });
});
