import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectDirectory, run } from "../../support/run";
import { zizmor } from "../../support/zizmor";

let program: string;
let copy: string;
beforeAll(async () => {
  program = await zizmor();
  copy = await mkdtemp(join(tmpdir(), "workflows-"));
}, 600_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

/** Everything that it knows, of the files alone: nothing is asked of GitHub. */
const audit = (directory: string) =>
  run(
    program,
    ["--offline", "--strict-collection", "--persona=pedantic", "--no-progress", "--color=never", directory],
    {
      env: { GH_TOKEN: undefined, GITHUB_TOKEN: undefined, ZIZMOR_GITHUB_TOKEN: undefined },
    },
  );

test("finds nothing in workflows and actions", async () => {
  const { code, output } = await audit(join(projectDirectory, ".github"));
  expect(code, output).toBe(0);
  expect(output).toMatch(/No findings to report/);
});

test.each([
  ["workflows/deploy.yml", /@[0-9a-f]{40} # v/, "@v", "unpinned-uses"],
  ["workflows/check.yml", "  pull_request:", "  pull_request_target:", "dangerous-triggers"],
  ["actions/up/action.yml", /^ +repositories:.*\n/m, "", "github-app"],
  [
    "workflows/preview.yml",
    'make preview STACK="$STACK"',
    `make preview STACK=$\{{ github.head_ref }}`,
    "template-injection",
  ],
  ["workflows/rotate.yml", "permissions: {}", "permissions: write-all", "excessive-permissions"],
])("would find in %s: %s as %j: %s", async (file, text, replacement, rule) => {
  await rm(copy, { recursive: true, force: true });
  await cp(join(projectDirectory, ".github"), join(copy, ".github"), { recursive: true });
  const path = join(copy, ".github", file);
  const before = await readFile(path, "utf8");
  const after = before.replace(text, replacement);
  expect(after).not.toBe(before);
  await writeFile(path, after);
  const { code, output } = await audit(copy);
  expect(code).not.toBe(0);
  expect(output).toContain(`[${rule}]`);
});
