import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { interruptible } from "../../../ops/interrupt";
import { projectDir } from "./support";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

describe("what may be interrupted", () => {
  const before = SIGNALS.map((name) => process.listenerCount(name));
  afterEach(() => {
    expect(SIGNALS.map((name) => process.listenerCount(name))).toEqual(before);
  });

  it.each(SIGNALS)("is by %s", async (name) => {
    const work = interruptible(async (signal) => {
      process.emit(name);
      signal.throwIfAborted();
    });
    await expect(work).rejects.toThrow("interrupted");
  });

  // Ctrl-C, a runner that is cancelled, a terminal that is closed: who hears one of them and not the others leaves things half done.
  it("hears all three, in each command", () => {
    const files = readdirSync(path.join(projectDir, "ops"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => ({ file, text: readFileSync(path.join(projectDir, "ops", file), "utf8") }));
    const hearing = files.filter(({ text }) => /process\.on|process\.once/.test(text) && /"SIG/.test(text));
    expect(hearing.length).toBeGreaterThan(0);
    for (const { file, text } of hearing) {
      expect(
        SIGNALS.filter((name) => text.includes(`"${name}"`)),
        file,
      ).toEqual(SIGNALS);
    }
  });
});
