import { describe, expect, it } from "vitest";
import { diffInputs, keyPath, rootOf } from "../../../provider/wire/diff";
import { UNKNOWN } from "../../../provider/wire/kind";

describe("diffInputs", () => {
  it("finds nothing between equals, nor between null and absent", () => {
    const inputs = { a: [1, { b: "x" }], c: null };
    expect(diffInputs(inputs, { a: [1, { b: "x" }], d: null })).toEqual([]);
  });

  it("names the innermost field that differs", () => {
    const olds = {
      limits: { connections: 10, idle: 1 },
      grants: { "svc_x on tables in public": ["SELECT", "INSERT"] },
      list: [{ privileges: ["SELECT"] }],
    };
    const news = {
      limits: { connections: 20 },
      grants: { "svc_x on tables in public": ["SELECT"], "svc_y on database": ["CONNECT"] },
      list: [{ privileges: ["UPDATE"] }, { privileges: [] }],
    };
    expect(diffInputs(olds, news)).toEqual([
      { path: "limits.connections", kind: "update" },
      { path: "limits.idle", kind: "delete" },
      { path: 'grants["svc_x on tables in public"][1]', kind: "delete" },
      { path: 'grants["svc_y on database"]', kind: "add" },
      { path: "list[0].privileges[0]", kind: "update" },
      { path: "list[1]", kind: "add" },
    ]);
  });

  it("takes an unknown value for changed, and a changed type for one change", () => {
    expect(diffInputs({ a: "x", b: ["x"] }, { a: UNKNOWN, b: "x" })).toEqual([
      { path: "a", kind: "update" },
      { path: "b", kind: "update" },
    ]);
  });

  it("replaces where a change is under a name that replaces, and only there", () => {
    const changes = diffInputs({ id: { a: 1 }, other: 1 }, { id: { a: 2 }, other: 2 }, ["id"]);
    expect(changes).toEqual([
      { path: "id.a", kind: "update", replaces: true },
      { path: "other", kind: "update" },
    ]);
  });
});

describe("property paths", () => {
  it.each([
    ["", "name", "name"],
    ["a", "b_1", "a.b_1"],
    ["a", "b c", 'a["b c"]'],
    ["a", 'say "x"\\', 'a["say \\"x\\"\\\\"]'],
    ["", "svc-x", '["svc-x"]'],
  ])("%j + %j = %s", (parent, key, path) => expect(keyPath(parent, key)).toBe(path));

  it.each([
    ["limits.connections", "limits"],
    ["grants[0].privileges", "grants"],
    ['grants["a.b"]', "grants"],
    ['["svc-x"].y', "svc-x"],
    ['["say \\"x\\""]', 'say "x"'],
    ["name", "name"],
  ])("%s begins with %s", (path, root) => expect(rootOf(path)).toBe(root));
});
