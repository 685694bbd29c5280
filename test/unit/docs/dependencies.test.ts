import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectDirectory } from "../../support/run";

const json = (...at: string[]) => JSON.parse(readFileSync(join(projectDirectory, ...at), "utf8"));
const page = readFileSync(join(projectDirectory, "docs/dependencies.md"), "utf8");
const rows = [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| [^|]+\|/gm)].map(([, name, licence]) => ({
  name,
  licence: licence?.trim(),
}));

it("docs/dependencies.md has each package once, in order, with the licence of what is installed", () => {
  const { dependencies, devDependencies } = json("package.json");
  const installed = [...Object.keys(dependencies), ...Object.keys(devDependencies)].map((name) => {
    const { license, licenses } = json("node_modules", name, "package.json");
    return { name, licence: license ?? licenses[0].type };
  });
  expect(rows).toEqual(installed);
});
