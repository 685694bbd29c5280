import { describe, expect, test } from "vitest";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";
import {
  generate,
  type PasswordRules,
  randomPassword,
} from "../../../toolchain/plugins/random/random-password";

const check = (news: Properties) => randomPassword.check(news, undefined, { urn: "urn" });
const rules = (news: Properties) => ({ ...DEFAULTS, ...check(news).inputs }) as unknown as PasswordRules;
/** What the real plugin fills in. */
const DEFAULTS = {
  ...{ lower: true, upper: true, numeric: true, special: true },
  ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
};
const call = { config: undefined, urn: "urn", signal: new AbortController().signal };

describe("a password", () => {
  test("has the length and only the classes asked for", () => {
    expect(generate(rules({ length: 32, special: false }))).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(generate(rules({ length: 40, lower: false, upper: false, special: false }))).toMatch(/^\d{40}$/);
    expect(
      generate(rules({ length: 40, lower: false, upper: false, numeric: false, overrideSpecial: "-_" })),
    ).toMatch(/^[-_]{40}$/);
  });

  test("has at least so many of each class, in any place", () => {
    const asked = rules({ length: 8, minLower: 2, minUpper: 2, minNumeric: 2, minSpecial: 2 });
    const made = Array.from({ length: 50 }, () => generate(asked));
    for (const password of made) {
      expect(password.replace(/[^a-z]/g, "")).toHaveLength(2);
      expect(password.replace(/[^A-Z]/g, "")).toHaveLength(2);
      expect(password.replace(/[^0-9]/g, "")).toHaveLength(2);
    }
    expect(new Set(made.map((password) => password.search(/\d/))).size).toBeGreaterThan(1);
  });

  test("draws every character of the default classes, about as often", () => {
    const counts = new Map<string, number>();
    for (const character of generate(rules({ length: 83_000 })))
      counts.set(character, (counts.get(character) ?? 0) + 1);
    expect(counts.size).toBe(26 + 26 + 10 + 21);
    // 1000 each are expected; eight standard deviations either way.
    expect(Math.min(...counts.values())).toBeGreaterThan(740);
    expect(Math.max(...counts.values())).toBeLessThan(1260);
  });
});

describe("the kind", () => {
  test("refuses what cannot be: each fault with its field", () => {
    const faults = (news: Properties) =>
      check(news).failures.map(({ property, reason }) => `${property}: ${reason}`);
    expect(faults({})).toEqual(["length: is missing"]);
    expect(faults({ length: 0 })).toEqual(["length: must be 1 or more"]);
    expect(faults({ length: 3, minLower: 4 })[0]).toMatch(/^length: is 3, but/);
    expect(faults({ length: 3, minUpper: -1 })).toEqual(["minUpper: must be 0 or more"]);
    expect(faults({ length: 3, lower: false, upper: false, numeric: false, special: false })[0]).toMatch(
      /at least one/,
    );
    expect(faults({ length: 3, number: true })[0]).toMatch(/^number: unsupported/);
    expect(faults({ length: UNKNOWN })).toEqual([]);
  });

  test("every changed input replaces, the same inputs do not", async () => {
    const inputs = rules({ length: 20, keepers: { generation: "1" } });
    const made = await randomPassword.create(call, inputs);
    expect(made.id).toBe("none");
    const diff = (news: Properties) =>
      randomPassword.diff?.({ ...made, inputs }, { ...inputs, ...news } as Properties);
    expect(diff({})).toEqual([]);
    expect(diff({ keepers: { generation: "2" } })).toEqual([
      { path: "keepers", kind: "update", replaces: true },
    ]);
    expect(diff({ special: false })).toEqual([{ path: "special", kind: "update", replaces: true }]);
  });

  test("inputs are what was declared, and the state has the defaults too, as with the real plugin", async () => {
    const { inputs } = check({ length: 20, special: false });
    expect(inputs).toEqual({ length: 20, special: false });
    const made = await randomPassword.create(call, inputs as unknown as PasswordRules);
    expect(made.state).toEqual({
      ...DEFAULTS,
      ...inputs,
      result: expect.stringMatching(/^[A-Za-z0-9]{20}$/),
    });
    expect(randomPassword.diff?.({ ...made, inputs: made.state }, inputs)).toEqual([]);
    expect(randomPassword.diff?.({ ...made, inputs: made.state }, { length: 20 })).toEqual([
      { path: "special", kind: "update", replaces: true },
    ]);
  });

  test("a refresh keeps it, an import takes the password as the id", async () => {
    const inputs = rules({ length: 20 });
    const { id, state } = await randomPassword.create(call, inputs);
    expect(await randomPassword.read(call, id, { inputs, state })).toEqual({ id, inputs, state });
    const imported = await randomPassword.read(call, "secret", undefined);
    expect(imported).toMatchObject({
      id: "none",
      inputs: { length: 6 },
      state: { result: "secret", special: true },
    });
  });

  test("the password is a secret output", () => {
    expect(randomPassword.secretOutputs).toEqual(["result"]);
  });
});
