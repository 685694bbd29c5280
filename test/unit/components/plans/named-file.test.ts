import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, expect, it } from "vitest";
import { readAnyFile, readNamedFile } from "../../../../components/plans/named-file";

const directory = mkdtempSync(path.join(tmpdir(), "named-file-"));
afterAll(() => rmSync(directory, { recursive: true }));
const pipe = path.join(directory, "pipe");
execFileSync("mkfifo", [pipe]);

it("reads a file, an empty one, and what has no content", () => {
  const file = path.join(directory, "file");
  writeFileSync(file, "ü\n".repeat(100_000));
  expect(readAnyFile(file)).toBe("ü\n".repeat(100_000));
  writeFileSync(file, "");
  expect([readAnyFile(file), readAnyFile("/dev/null")]).toEqual(["", ""]);
});

it("reads a pipe whose writer takes its time", () => {
  const writer = spawn("sh", ["-c", `exec >"${pipe}"; printf one; sleep 0.5; printf two`], {
    stdio: "ignore",
  });
  expect(readAnyFile(pipe)).toBe("onetwo");
  writer.kill();
});

it("gives up a pipe that nobody writes to", () => {
  expect(() => readNamedFile("SSH_PRIVATE_KEY_FILE", pipe)).toThrow(
    `SSH_PRIVATE_KEY_FILE is "${pipe}", which cannot be read: nothing came of it within 10 s`,
  );
}, 20_000);

it("does not read on where there is no end", () => {
  expect(() => readAnyFile("/dev/zero")).toThrow("larger than 1048576 bytes");
  expect(() => readAnyFile(directory)).toThrow("EISDIR");
});
