import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeMissing, missingPrograms, neededPrograms } from "../../../lab/programs";
import { projectDirectory } from "../../support/run";

const nothing = () => false;

describe("the programs that this machine has to have", () => {
  it("are all missing where there is none, each with its package, in one sentence", () => {
    const missing = missingPrograms({ PATH: "/nowhere" }, nothing);
    expect(Object.values(missing).flat().sort()).toEqual(neededPrograms().sort());
    expect(missing["openssh-client"]).toEqual(["ssh", "ssh-add", "ssh-agent", "ssh-keygen"]);
    const said = describeMissing(missing) ?? "";
    expect(said).toMatch(/^the programs debootstrap, .*\. Install the packages: debootstrap /);
    for (const name of Object.keys(missing)) expect(said.split("packages: ")[1]).toContain(name);
  });

  it("are looked for along PATH", () => {
    const has = (files: string[]) => (file: string) => files.includes(file);
    const missing = (files: string[]) => Object.values(missingPrograms({ PATH: "/a:/b" }, has(files))).flat();
    expect(missing(["/b/zstd"])).not.toContain("zstd");
    expect(missing(["/c/zstd"])).toContain("zstd");
  });

  it("are no fault where none is missing", () => {
    expect(describeMissing(missingPrograms({ PATH: "/a" }, () => true))).toBeUndefined();
  });

  /** Not of the table: what comes with Node and the toolchain, what every POSIX system has, and what is done without. */
  const ELSEWHERE = ["node", "npm", "pulumi", "sh", "rm", "env", "cat", "pg_restore"];

  it("are all that the code starts by name", () => {
    // `ps` is an operator's who has no /proc.
    const table = (folder: string) => [
      ...neededPrograms(),
      ...ELSEWHERE,
      ...(folder === "ops" ? ["ps"] : []),
    ];
    const calls =
      /\b(?:spawn|spawnSync|execFile|execFileSync|run|attempt|must|succeed|start|openssl)\(\s*"([a-z][\w-]*)",\s*\[/g;
    const started = ["bench", "lab", "ops", "test", "toolchain"].flatMap((folder) =>
      typescript(join(projectDirectory, folder))
        .flatMap((file) => [...readFileSync(file, "utf8").matchAll(calls)])
        .map(([, program = ""]) => ({ folder, program })),
    );
    expect(started.length).toBeGreaterThan(40);
    expect(started.filter(({ folder, program }) => !table(folder).includes(program))).toEqual([]);
  });
});

function typescript(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(directory, file));
}
