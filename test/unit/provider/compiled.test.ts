import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

const program = resolve(__dirname, "../../../provider/compiled.cjs");
let directory: string;
let bundle: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "estate-compiled-"));
  bundle = join(directory, "bundle.js");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** `second`: when it was written. */
function write(source: string, second: number): void {
  writeFileSync(bundle, source);
  utimesSync(bundle, second, second);
}

const run = (...args: string[]) =>
  execFileSync(process.execPath, [program, bundle, ...args], { encoding: "utf8", stdio: "pipe" });
const kept = () => readdirSync(directory).filter((name) => name.endsWith(".compiled"));
const saying = (word: string) => `const say = () => console.log("${word}"); say();`;

it("keeps what was compiled, and runs by it the next time", () => {
  write(saying("one"), 1);
  expect(run()).toBe("one\n");
  const [ofOne = ""] = kept();
  // V8 takes it for any source as long, so the other bundle shows whose code runs.
  write(saying("two"), 2);
  copyFileSync(join(directory, ofOne), join(directory, ofOne.replace("1000000000", "2000000000")));
  expect(run()).toBe("one\n");
});

it("knows another bundle by its time, also where it is as long", () => {
  write(saying("one"), 1);
  run();
  write(saying("two"), 2);
  expect(run()).toBe("two\n");
  expect(kept()).toHaveLength(2);
});

it("compiles anew where what was kept is broken, and keeps that", () => {
  write(saying("one"), 1);
  run();
  writeFileSync(join(directory, kept()[0] as string), "broken");
  expect(run()).toBe("one\n");
  write(saying("two"), 1);
  expect(run()).toBe("one\n");
});

it("gives the bundle its arguments, its packages and its place, and ends as it does", () => {
  const told =
    "[process.argv.slice(2), require('node:path').sep, __filename, __dirname, typeof module.exports]";
  write(`console.log(JSON.stringify(${told}));`, 1);
  for (const _time of ["compiled", "kept"])
    expect(JSON.parse(run("127.0.0.1:1", "more"))).toEqual([
      ["127.0.0.1:1", "more"],
      "/",
      bundle,
      directory,
      "object",
    ]);
  write("process.exit(7);", 2);
  expect(() => run()).toThrow(expect.objectContaining({ status: 7 }));
});

it("runs where nothing can be kept", () => {
  write(saying("one"), 1);
  const nowhere = `require("node:fs").writeFileSync = () => { throw new Error("read-only"); };
    process.argv.splice(1, 0, "program"); require(${JSON.stringify(program)});`;
  expect(execFileSync(process.execPath, ["-e", nowhere, bundle], { encoding: "utf8" })).toBe("one\n");
  expect(kept()).toEqual([]);
});
