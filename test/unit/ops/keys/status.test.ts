import { describe, expect, it } from "vitest";
import { keyring } from "../../../../ops/keys/crypto";
import { statusOf } from "../../../../ops/keys/status";
import type { StoredKey } from "../../../../ops/keys/store";
import { renderKeys, renderKeysJson, renderRotation } from "../../../../ops/render/keys";

const keys = keyring("mcp_portal", ["newest", "older"]);
const now = new Date("2026-06-30T12:00:00Z");
const stored = (version: number, changes: Partial<StoredKey> = {}): StoredKey => ({
  version,
  state: "active",
  wrappedWith: keys[0].fingerprint,
  wrapped: Buffer.alloc(60),
  createdAt: new Date("2026-06-20T00:00:00Z"),
  retiredAt: undefined,
  settings: 7,
  ...changes,
});
const advice = (...found: StoredKey[]) => statusOf("mcp_portal", found, keys, now).advice;

describe("estate keys status", () => {
  it("has nothing to say of one young key under the newest secret", () => {
    const gone = stored(1, {
      state: "retired",
      wrapped: undefined,
      wrappedWith: "0".repeat(16),
      settings: 0,
    });
    expect(advice(gone, stored(2))).toEqual([]);
  });

  it.each<[string, StoredKey[]]>([
    ["no version is there yet", []],
    ["a rotation has not ended, 7 settings are left", [stored(1, { state: "retiring" }), stored(2)]],
    ["version 1 is wrapped with an older secret", [stored(1, { wrappedWith: keys[1]?.fingerprint ?? "" })]],
    ["version 1 is 30 days old, 30 are meant", [stored(1, { createdAt: new Date("2026-05-31T12:00:00Z") })]],
  ])("says what to do where %s", (text, found) => {
    expect(advice(...found)).toEqual([`${text}; run: estate keys rotate --database mcp_portal`]);
  });

  it("does not send anybody to rotate what no secret opens", () => {
    expect(advice(stored(1, { wrappedWith: "0123456789abcdef" }))).toEqual([
      "no wrapping secret of the stack opens version 1: give the stack that secret back",
    ]);
  });

  it("prints versions and advice, and neither keys nor fingerprints", () => {
    const retired = stored(1, { state: "retired", wrapped: undefined, settings: 0, retiredAt: now });
    const found = [statusOf("mcp_portal", [retired, stored(2)], keys, now)];
    expect(renderKeys(found)).toMatchInlineSnapshot(`
      "database    version  state    settings  created     destroyed
      mcp_portal        1  retired         0  2026-06-20  2026-06-30
      mcp_portal        2  active          7  2026-06-20  -
      "
    `);
    const json = renderKeysJson("prod", found);
    expect(JSON.parse(json)).toMatchObject({ stack: "prod", ok: true });
    expect(json).not.toContain(keys[0].fingerprint);
    expect(renderKeys([statusOf("mcp_portal", [], keys, now)])).toBe(
      "mcp_portal: no version is there yet; run: estate keys rotate --database mcp_portal\n",
    );
  });

  it("tells what a rotation has done", () => {
    const rotation = { database: "mcp_portal", version: 3, resumed: false, resealed: 12 };
    expect(renderRotation([{ ...rotation, retired: [2], broken: [], finished: true }])).toBe(
      "mcp_portal: made version 3, 12 settings sealed anew, version 2 destroyed\n",
    );
    expect(
      renderRotation([{ ...rotation, resumed: true, retired: [], broken: ["x"], finished: false }]),
    ).toBe(
      "mcp_portal: went on with version 3, 12 settings sealed anew\n" +
        "mcp_portal: setting x does not open and keeps its version\n" +
        "mcp_portal: stopped; run it again to go on\n",
    );
  });
});
