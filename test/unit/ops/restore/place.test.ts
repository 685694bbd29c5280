import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makePlace, placeError } from "../../../../ops/restore/place";

describe("the place of a fetched backup", () => {
  let temporary: string;
  beforeEach(() => {
    temporary = mkdtempSync(path.join(tmpdir(), "estate-place-"));
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true });
  });

  it("is this user's alone", async () => {
    expect(statSync(await makePlace()).mode & 0o777).toBe(0o700);
  });

  it("takes away what a killed run has left, and nothing of one that runs or of somebody else", async () => {
    const dead = spawnSync("true").pid;
    const directories = [`estate-restore-${dead}-Ab12`, `estate-restore-${process.pid}-Ab12`, "other"];
    const [left, running, other] = directories.map((name) => path.join(temporary, name)) as [
      string,
      string,
      string,
    ];
    for (const directory of [left, running, other]) {
      mkdirSync(directory);
      writeFileSync(path.join(directory, "backup.age"), "");
    }
    const link = path.join(temporary, `estate-restore-${dead}-link`);
    symlinkSync(other, link);
    await makePlace();
    const files = [left, running, other, link].map((directory) =>
      existsSync(path.join(directory, "backup.age")),
    );
    expect(files).toEqual([false, true, true, true]);
  });

  it("is named where its disk is full", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    expect(String(placeError(full))).toContain(`${temporary} is full`);
    const other = new Error("cut");
    expect(placeError(other)).toBe(other);
  });
});
