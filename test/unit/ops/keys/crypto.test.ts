import { describe, expect, it } from "vitest";
import {
  keyring,
  newDataKey,
  teamKey,
  unwrap,
  unwrapWith,
  WrongKey,
  wrap,
  wrappingKey,
} from "../../../../ops/keys/crypto";

const wrapping = wrappingKey("mcp_portal", "fixture: guards nothing");
const dataKey = Buffer.alloc(32, 0x11);

describe("keys above the database", () => {
  // What an application in another language has to come to: docs/encryption-keys.md.
  it("are derived as the page says", () => {
    expect(wrapping.key.toString("hex")).toBe(VECTORS.wrappingKey);
    expect(wrapping.fingerprint).toBe("a663764b79e4d41e");
    expect(teamKey(dataKey, "00000000-0000-4000-8000-0000000000A0").toString("hex")).toBe(
      "2a52132d18aa6f3056f731aaa6cc91b8c910f5f253dfdc80bbb7b95de0e961bc",
    );
    const wrapped = Buffer.from(VECTORS.wrapped, "hex");
    expect(unwrap(wrapping, 1, wrapped).equals(dataKey)).toBe(true);
  });

  it("differ by database, by secret and by team, and tell nothing of themselves in the fingerprint", () => {
    const others = [wrappingKey("ncy8", "fixture: guards nothing"), wrappingKey("mcp_portal", "another")];
    const all = [wrapping, ...others];
    expect(new Set(all.map(({ key }) => key.toString("hex"))).size).toBe(3);
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(3);
    expect(wrapping.key.toString("hex")).not.toContain(wrapping.fingerprint);
    expect(teamKey(dataKey, "a").equals(teamKey(dataKey, "b"))).toBe(false);
  });

  it("are wrapped anew each time, for one database and version", () => {
    const wrapped = wrap(wrapping, 3, dataKey);
    expect(wrapped).toHaveLength(60);
    expect(wrapped.equals(wrap(wrapping, 3, dataKey))).toBe(false);
    expect(unwrap(wrapping, 3, wrapped).equals(dataKey)).toBe(true);
    expect(() => unwrap(wrapping, 4, wrapped)).toThrow(WrongKey);
    expect(() => unwrap(wrappingKey("ncy8", "fixture: guards nothing"), 3, wrapped)).toThrow(WrongKey);
    expect(() => unwrap(wrapping, 3, wrapped.subarray(1))).toThrow("wrong length");
    for (let at = 0; at < wrapped.length; at++) {
      const changed = Buffer.from(wrapped);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(() => unwrap(wrapping, 3, changed), `byte ${at}`).toThrow(WrongKey);
    }
  });

  it("are random", () => {
    expect(newDataKey()).toHaveLength(32);
    expect(newDataKey().equals(newDataKey())).toBe(false);
  });

  it("open with the secret that they were wrapped with, and an error names it by its fingerprint", () => {
    const keys = keyring("mcp_portal", ["newest", "older"]);
    const older = wrappingKey("mcp_portal", "older");
    const stored = { version: 2, wrapped: wrap(older, 2, dataKey), wrappedWith: older.fingerprint };
    expect(unwrapWith(keys, stored).equals(dataKey)).toBe(true);
    expect(() => unwrapWith([keys[0]], stored)).toThrow(
      `version 2 was wrapped with ${older.fingerprint}, and the stack has ${keys[0].fingerprint}`,
    );
    expect(() => keyring("mcp_portal", [])).toThrow("no wrapping secret for mcp_portal");
  });
});

const VECTORS = {
  wrappingKey: "c2e7cb446a5de6708a6ef584debe03a7cf2a4c8d8a760930e6ecc6519cabb150",
  wrapped:
    "2b62de08d22aa9e44568e52b03802d7b24435157a69532a6a1d67a34dfd208f408af55c0ceaea114d052d29a66e21b60fc3b63abeea4c81fc2e05cff",
};
