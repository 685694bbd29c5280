import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { run, succeed } from "../../support/run";

const version = "v1.7.12";
const cache =
  process.env.ESTATE_CACHE ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "database-estate");
const directory = join(cache, "actionlint", version);
const actionlint = join(directory, "actionlint");

/** From its published Go module, as the Pulumi CLI is; kept in the cache. */
beforeAll(async () => {
  if (existsSync(actionlint)) return;
  await mkdir(directory, { recursive: true });
  const go = existsSync("/usr/local/go/bin/go") ? "/usr/local/go/bin/go" : "go";
  await succeed(go, ["install", `github.com/rhysd/actionlint/cmd/actionlint@${version}`], {
    env: { GOBIN: directory, GOFLAGS: "-buildvcs=false" },
  });
});

test("finds nothing in the workflows", async () => {
  const { code, output } = await run(actionlint, ["-no-color"]);
  expect(code, output).toBe(0);
});

test("would find what is wrong", async () => {
  const folder = await mkdtemp(join(tmpdir(), "workflow-"));
  const file = join(folder, "bad.yml");
  await writeFile(
    file,
    [
      "on: push",
      "jobs:",
      "  a:",
      "    runs-on: ubuntu-24.04",
      "    permissions: { content: read }",
      `    steps: [{ run: 'echo $\{{ github.head_ref }}' }]`,
    ].join("\n"),
  );
  const { code, output } = await run(actionlint, ["-no-color", file]);
  await rm(folder, { recursive: true });
  expect(code).toBe(1);
  expect(output).toMatch(/unknown permission scope "content"/);
  expect(output).toMatch(/potentially untrusted/);
});
