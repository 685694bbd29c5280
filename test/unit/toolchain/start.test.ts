import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const LATE = `const names = ["typescript", "@npmcli/arborist"];
  const loaded = () => names.map(
    (name) => Object.keys(require.cache).some((file) => file.includes("/node_modules/" + name + "/")));`;

it("loads what the SDK needs for closures alone when there is a closure, and not before", () => {
  const seen = started(`${LATE}
    require("@pulumi/pulumi");
    const before = loaded();
    const { parseFunction } = require("@pulumi/pulumi/runtime/closure/parseFunction");
    const [error, parsed] = parseFunction("(one) => one + two");
    console.log(JSON.stringify({ before, error, free: [...parsed.capturedVariables.required.keys()], after: loaded() }));`);
  expect(seen).toEqual({ before: [false, false], error: "", free: ["two"], after: [true, false] });
});

it("gives the SDK the whole of them at the first use", () => {
  const seen = started(`${LATE}
    const ofSdk = require("node:module").createRequire(require.resolve("@pulumi/pulumi"));
    const [late, real] = [names.map((name) => ofSdk(name)), names.map((name) => require(name))];
    const others = real.flatMap((exported, at) => Object.keys(exported).filter((key) => late[at][key] !== exported[key]));
    console.log(JSON.stringify({ others, late: late.map((each, at) => each !== real[at]) }));`);
  expect(seen).toEqual({ others: [], late: [true, true] });
});

it("is asked for no file of the project by import(), which looks for JavaScript", () => {
  const folders = ["components", "connect", "estate", "lab", "migrate", "ops", "policy", "provider"];
  const late = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .filter((file) => /\bawait import\(\s*["'`]\./.test(readFileSync(join(root, folder, file), "utf8")))
      .map((file) => join(folder, file)),
  );
  expect(late).toEqual([]);
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
  const ofPackage = frames.slice(
    0,
    frames.findIndex((frame) => frame.includes("own.ts")),
  );
  expect(ofPackage.length).toBeGreaterThan(0);
  expect(ofPackage.filter((frame) => frame.includes("/node_modules/tsx/"))).toEqual([]);
});
