import { describe, expect, it } from "vitest";
import { deployedCommit } from "../../../ops/ci/deployed-commit";

const commit = (digit: string) => digit.repeat(40);
const update = (digit: string, more: object = {}) => ({
  kind: "update",
  result: "succeeded",
  environment: { "git.head": commit(digit), "git.dirty": "false" },
  ...more,
});

describe("the commit that was deployed", () => {
  it("is that of the newest `up` that came to its end", () => {
    const history = [
      update("e", { result: "in-progress" }),
      update("d", { result: "failed" }),
      update("c", { kind: "refresh" }),
      update("c", { kind: "preview" }),
      update("b"),
      update("a"),
    ];
    expect(deployedCommit(history)).toBe(commit("b"));
  });

  it.each<[string, unknown[], RegExp]>([
    ["there is none", [], /no `up` of this stack came to its end yet/],
    ["it ran outside of a checkout", [update("a", { environment: {} }), update("b")], /ran no commit/],
    ["no environment was kept", [{ kind: "update", result: "succeeded" }], /ran no commit/],
    [
      "there were changes beside the commit",
      [update("a", { environment: { "git.head": commit("a"), "git.dirty": "true" } }), update("b")],
      /with changes beside it/,
    ],
    [
      "it is no commit",
      [update("a", { environment: { "git.head": "--upload-pack=x", "git.dirty": "false" } })],
      /ran no commit/,
    ],
  ])("is an error where %s, and no older one takes its place", (_what, history, reason) => {
    expect(() => deployedCommit(history)).toThrow(reason);
  });
});
