import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS, SETTINGS } from "../../drill/commands";
import { fencedCommands } from "../../drill/runbooks";
import { projectDirectory } from "../../support/run";

const FOLDER = path.join(projectDirectory, "docs/runbooks");
const runbooks = readdirSync(FOLDER).filter((file) => file.endsWith(".md"));
const known: string[] = [...Object.values(COMMANDS), ...SETTINGS];

describe("docs/runbooks", () => {
  it.each(runbooks)("%s holds only commands that the drill types", (file) => {
    const commands = fencedCommands(readFileSync(path.join(FOLDER, file), "utf8"));
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.filter((command) => !known.includes(command))).toEqual([]);
  });

  it("are all in the list of the first page", () => {
    const index = readFileSync(path.join(FOLDER, "README.md"), "utf8");
    const linked = [...index.matchAll(/\(([a-z-]+\.md)\)/g)].map(([, file]) => file);
    expect(linked.sort()).toEqual(runbooks.filter((file) => file !== "README.md").sort());
  });
});

describe("commands of a page", () => {
  it("are the lines of its shell blocks, also of those that are indented, without comments", () => {
    const page = [
      "# T",
      "```sh",
      "first",
      "",
      "# why",
      "second --x",
      "```",
      "1. a",
      "   ```sh",
      "   third",
      "   ```",
      "```",
      "no shell",
      "```",
    ];
    expect(fencedCommands(page.join("\n"))).toEqual(["first", "second --x", "third"]);
  });

  it("may begin behind a number of a list", () => {
    expect(fencedCommands("5. ```sh\n   only\n   ```\n")).toEqual(["only"]);
  });
});
