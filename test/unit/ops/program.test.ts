import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import { EXIT } from "../../../ops/exit";
import { run } from "../../../ops/program";
import { projectDir, recordedIo } from "./support";

describe("estate", () => {
  it("lists the catalogue as JSON", async () => {
    const io = recordedIo();
    expect(await run(["list", "--json"], io)).toBe(EXIT.done);
    expect(JSON.parse(io.stdout)).toEqual({ databases, redisUsers });
    expect(io.stderr).toBe("");
  });

  it("lists the catalogue as a table", async () => {
    const io = recordedIo();
    expect(await run(["list"], io)).toBe(EXIT.done);
    for (const { name, secret } of databases)
      expect(io.stdout).toMatch(new RegExp(`^${name} .* ${secret}$`, "m"));
  });

  it.each([[[]], [["list"]], [["check"]], [["tunnel"]]])("helps with examples: %j", async (command) => {
    const io = recordedIo();
    expect(await run([...command, "--help"], io)).toBe(EXIT.done);
    expect(io.stdout).toContain("Examples:\n  estate");
    expect(io.stderr).toBe("");
  });

  it("tells its version", async () => {
    const io = recordedIo();
    expect(await run(["--version"], io)).toBe(EXIT.done);
    expect(io.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [["lst"], "estate: unknown command 'lst'; did you mean list? See: estate --help\n"],
    [["help", "lst"], "estate: unknown command 'lst'; did you mean list? See: estate --help\n"],
    [["list", "--jso"], "estate: unknown option '--jso'; did you mean --json? See: estate list --help\n"],
    [
      ["tunnel", "--port", "99999"],
      "estate: option '--port <number>' argument '99999' is invalid. It takes a number from 1 to 65535. See: estate tunnel --help\n",
    ],
    [
      ["tunnel", "--stop", "--status"],
      "estate: option '--stop' cannot be used with option '--status'. See: estate tunnel --help\n",
    ],
    [
      ["list", "mo_crm"],
      "estate: too many arguments for 'list'. Expected 0 arguments but got 1. See: estate list --help\n",
    ],
  ])("answers wrong usage on one line: %j", async (command, message) => {
    const io = recordedIo();
    expect(await run(command, io)).toBe(EXIT.unknown);
    expect(io.stderr).toBe(message);
    expect(io.stdout).toBe("");
  });

  it("knows no day that the calendar has not", async () => {
    const io = recordedIo();
    expect(await run(["restore", "mo_crm", "--at", "2026-02-30T12:00:00Z"], io)).toBe(EXIT.unknown);
    expect(io.stderr).toContain("argument '2026-02-30T12:00:00Z' is invalid. give a time with its zone");
  });

  it("shows its help, and exit code 2, where no command is given", async () => {
    const io = recordedIo();
    expect(await run([], io)).toBe(EXIT.unknown);
    expect(io.stderr).toContain("Usage: estate");
  });

  it.each(["check", "tunnel"])("cannot tell about a stack that has no file: %s", async (command) => {
    const io = recordedIo();
    expect(await run([command, "--stack", "nope"], io)).toBe(EXIT.unknown);
    expect(io.stderr).toContain("there is no Pulumi.nope.yaml");
    expect(io.stdout).toBe("");
  });
});

describe("the executable", () => {
  it("works from any directory and through a link, and gives the exit code", () => {
    const directory = mkdtempSync(path.join(tmpdir(), "estate-link-"));
    try {
      symlinkSync(path.join(projectDir, "ops/estate"), path.join(directory, "estate"));
      const start = (...args: string[]) => spawnSync("./estate", args, { cwd: directory, encoding: "utf8" });
      const listed = start("list", "--json");
      expect(JSON.parse(listed.stdout).databases).toHaveLength(databases.length);
      expect(listed.status).toBe(0);
      expect(start("nope").status).toBe(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }, 60_000);

  it("is not done where its result found no room", () => {
    const { status, stderr } = spawnSync("bash", ["-c", "ops/estate list >/dev/full"], {
      cwd: projectDir,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "estate: the result cannot be written to stdout: ENOSPC: no space left on device, write\n",
    });
  }, 60_000);
});
