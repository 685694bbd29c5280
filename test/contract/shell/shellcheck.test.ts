import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { debianRoot } from "../../support/debian-root";
import { projectDirectory } from "../../support/run";
import { firstLine, shellFiles } from "../../support/shell-files";

/** What is true of a part that others source: its variables and functions are set, and called, elsewhere. */
const OF_PARTS = ["SC1090", "SC1091", "SC2034", "SC2119", "SC2120", "SC2153", "SC2154", "SC2317"];
/** `'...$x...'` is how a text reaches another shell or a server as it is. */
const WANTED = ["SC2016"];

it("shellcheck has nothing to say of any shell file", async () => {
  const root = await debianRoot("trixie", ["shellcheck"]);
  const said = await Promise.all(shellFiles().map((file) => shellcheck(root, file)));
  expect(said.join("")).toBe("");
});

async function shellcheck(root: string, file: string): Promise<string> {
  const dialect = /\bbash\b/.test(firstLine(file)) || !firstLine(file).startsWith("#!") ? "bash" : "sh";
  const options = ["-s", dialect, "-f", "gcc", "-e", [...OF_PARTS, ...WANTED].join(","), "-"];
  const child = spawn("chroot", [root, "/usr/bin/shellcheck", ...options], {
    env: { LC_ALL: "C.UTF-8", PATH: process.env.PATH },
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stdin.end(readFileSync(path.join(projectDirectory, file)));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0 && said === "") return `${file}: shellcheck ended with ${String(code)}\n`;
  return said.replace(/^-:/gm, `${file}:`);
}
