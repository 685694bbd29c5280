import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, it } from "vitest";
import { projectDir } from "./support";

it("work goes on to its own end when nobody reads what it says", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "estate-readers-"));
  const [script, ended] = [path.join(directory, "work.ts"), path.join(directory, "ended")];
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";
import { outliveReaders } from "${projectDir}/ops/readers";
outliveReaders([process.stdout, process.stderr]);
let step = 0;
const steps = setInterval(() => {
  process.stderr.write("a step\\n");
  process.stdout.write("a result\\n");
  if (++step < 10) return;
  clearInterval(steps);
  writeFileSync("${ended}", "all of it");
  process.exitCode = 3;
}, 30);
`,
  );
  try {
    const command = `set -o pipefail; '${process.execPath}' --import tsx '${script}' 2>&1 | true`;
    const { status, stderr } = spawnSync("bash", ["-c", command], { cwd: projectDir, encoding: "utf8" });
    expect({ status, stderr, ended: readFileSync(ended, "utf8") }).toEqual({
      status: 3,
      stderr: "",
      ended: "all of it",
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 30_000);
