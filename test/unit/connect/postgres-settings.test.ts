import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NEWER_SETTINGS, PINNED_SETTINGS } from "../../../connect/postgres-settings";

const script = readFileSync(join(__dirname, "../../../components/agent/postgres-session.sh"), "utf8");

/** `-c name=value` as bash makes it of a text between double quotes. */
const settingsIn = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/-c (\w+)=((?:\\\\.|[^\s"'\\])*)/g)].map(([, name, value]) => [
      name,
      value?.replace(/\\\\/g, ""),
    ]),
  );

describe("the settings that our sessions in PostgreSQL begin with", () => {
  it("are the same in the program and on the hosts", () => {
    const pinned = /readonly pinned_settings="([^"]*)"/.exec(script)?.[1] ?? "";
    expect(settingsIn(pinned)).toEqual(PINNED_SETTINGS);
    expect(settingsIn(/newer_settings='([^']+)'/.exec(script)?.[1] ?? "")).toEqual(NEWER_SETTINGS);
  });
});
