import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = resolve(__dirname, "../../..");
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "estate-start-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a program printed as JSON that was started as the estate's is. */
function started(script: string): unknown {
  const args = ["--require", join(root, "toolchain/start.cjs"), "-e", script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }));
}

const LOADED = `const loaded = () => ["typescript", "@npmcli/arborist"].map(
  (name) => Object.keys(require.cache).some((file) => file.includes("/node_modules/" + name + "/")));`;

it("loads what the SDK needs for closures alone when there is a closure, and not before", () => {
  const seen = started(`${LOADED}
    const pulumi = require("@pulumi/pulumi");
    const before = loaded();
    const answer = 42;
    pulumi.runtime.serializeFunction(() => answer).then(({ text }) =>
      console.log(JSON.stringify({ before, text, after: loaded()[0] })));`);
  expect(seen).toEqual({
    before: [false, false],
    text: expect.stringContaining("answer: 42"),
    after: true,
  });
});

it("gives the SDK the whole of them at the first use", () => {
  const seen = started(`${LOADED}
    const shim = require("@pulumi/pulumi/typescript-shim");
    const late = Object.keys(require("typescript")).filter((name) => shim[name] !== require("typescript")[name]);
    const { computeCodePaths } = require("@pulumi/pulumi/runtime/closure/codePaths");
    computeCodePaths().then((paths) =>
      console.log(JSON.stringify({ late, paths: paths.size > 0, after: loaded() })));`);
  expect(seen).toEqual({ late: [], paths: true, after: [true, true] });
});

it("translates what is the project's, and leaves packages to Node", () => {
  const own = join(directory, "own.ts");
  const packaged = join(directory, "node_modules/packaged");
  mkdirSync(packaged, { recursive: true });
  writeFileSync(join(packaged, "index.js"), "module.exports = new Error('loading').stack;");
  writeFileSync(
    own,
    `import stack from "packaged";
    const half: number = 21;
    enum Times { two = 2 }
    export const [answer, inside] = [half * Times.two, stack as string];`,
  );
  const { answer, inside } = started(
    `const { answer, inside } = require(${JSON.stringify(own)}); console.log(JSON.stringify({ answer, inside }));`,
  ) as { answer: number; inside: string };
  expect(answer).toBe(42);
  const frames = inside.split("\n").slice(1);
  const ofPackage = frames.slice(0, frames.findIndex((frame) => frame.includes("own.ts")));
  expect(ofPackage.length).toBeGreaterThan(0);
  expect(ofPackage.filter((frame) => frame.includes("/node_modules/tsx/"))).toEqual([]);
});
