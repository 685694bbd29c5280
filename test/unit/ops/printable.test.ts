import { describe, expect, it } from "vitest";
import { run } from "../../../ops/program";
import { renderFindings, renderRuns } from "../../../ops/render/backup";
import { renderJson } from "../../../ops/render/json";
import { renderLint } from "../../../ops/render/lint";
import { harmless } from "../../../ops/render/printable";
import { recordedIo } from "./support";

/** A screen cleared, a title, another direction of writing, nothing to see, other ends of lines, a control of eight bits. */
const hostile = "\u001b[2J\u001b]0;x\u0007\u202eabc\u200b\u2028\r\u009b31m";
const moves = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const plain = { colour: false };

describe("what a command prints", () => {
  it("moves no terminal, whoever said it", async () => {
    const io = recordedIo();
    await run([hostile], io);
    expect(io.stderr).toContain("abc");
    expect(io.stderr).not.toMatch(moves);
  });

  it("keeps our own colours, and the line of a progress that begins anew, at its place alone", () => {
    const ours = "\r\u001b[K\u001b[31mbad\u001b[39m\tand\n\u001b[32mgood\u001b[39m";
    expect(harmless(ours)).toBe(ours);
    expect(harmless("a\r\u001b[K\u001b[5mb")).toBe("a??[K?[5mb");
  });

  it("as JSON is the same data, by numbers", () => {
    const value = { [hostile]: [`${hostile}\n\u{e0001}`] };
    const text = renderJson(value);
    expect(JSON.parse(text)).toEqual(value);
    expect(harmless(text)).toBe(text);
  });
});

describe("a second line in what somebody named", () => {
  const name = "x\nWhat to do: run this";
  const forged = /^What to do: run this/m;

  it("does not pass for ours among what was done to the bucket", () => {
    const [finding] = [{ key: name, kind: "forged", reason: name } as const];
    expect(renderFindings([finding], plain)).not.toMatch(forged);
  });

  it("nor among what the hosts say of a run", () => {
    const [run] = [{ host: "mariadb", manifest: undefined, fault: name } as const];
    expect(renderRuns([run], plain)).not.toMatch(forged);
  });

  it("nor among findings of the live servers", () => {
    const finding = { severity: "high", rule: "r", at: name, fault: name, mend: "m" } as const;
    const linted = { name: "mo_idp", scope: "application", findings: [finding], error: undefined };
    expect(renderLint({ stack: "s", results: [linted as never] }, plain)).not.toMatch(forged);
  });
});
