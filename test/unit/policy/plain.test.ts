import { describe, expect, it } from "vitest";
import { object, objects, parsed, plain, show, texts, UNKNOWN } from "../../../policy/plain";
import { preview, unknown } from "../../support/policy";

describe("properties in a preview", () => {
  it("keep what is known beside what is not", () => {
    const props = preview({
      name: "a",
      port: unknown,
      list: ["b", unknown, { c: unknown, d: null }],
      empty: {},
    });
    expect(() => props.port).toThrow("can't be known during preview");
    expect(plain(props)).toEqual({
      name: "a",
      port: UNKNOWN,
      list: ["b", UNKNOWN, { c: UNKNOWN }],
      empty: {},
    });
  });

  it("leave out what is null, which is not set", () => {
    expect(plain({ a: null, b: { c: null } })).toEqual({ b: {} });
  });

  it("give nothing of what is not known", () => {
    expect(texts(UNKNOWN)).toEqual([]);
    expect(texts(["a", UNKNOWN, 1])).toEqual(["a"]);
    expect(object(UNKNOWN)).toEqual({});
    expect(objects([{ a: 1 }, UNKNOWN, "b"])).toEqual([{ a: 1 }]);
    expect(show(UNKNOWN)).toBe("not known yet");
  });

  it("take the configuration of a provider apart", () => {
    expect(parsed('{"tags":{"owner":"a"}}')).toEqual({ tags: { owner: "a" } });
    expect(parsed("eu-central-1")).toBe("eu-central-1");
    expect(parsed(UNKNOWN)).toBe(UNKNOWN);
  });
});
