import { describe, expect, it } from "vitest";
import * as z from "zod";
import { isCount, LARGEST_TEXT, parseJson, recordOf } from "../../../../ops/backup/json";
import { parseManifest } from "../../../../ops/backup/manifest";

const head = {
  run: "20260131T020000Z-1f2e3d4c",
  host: "mariadb",
  engine: "mariadb",
  tag: "",
  ok: true,
  finished: "2026-01-31T02:00:00Z",
  durationMs: 1,
  versions: { dump: "1" },
  failed: [],
};
const dump = { database: "a", key: "k", sha256: "a".repeat(64), bytes: 1, durationMs: 1 };
const withObjects = (objects: string) =>
  `${JSON.stringify(head).slice(0, -1)},"objects":[${objects}]}`.slice(0, LARGEST_TEXT);

/** Somebody with a host's credentials writes manifests as large as they may be, and as wrong as can be. */
describe("a manifest", () => {
  it.each([
    ["nests", () => "[".repeat(LARGEST_TEXT), "nested deeper than 16"],
    ["nests objects", () => '{"a":['.repeat(LARGEST_TEXT / 6 - 1), "nested deeper than 16"],
    [
      "lists millions of dumps that are none",
      () => withObjects(`${"{},".repeat(300_000)}{}`),
      "objects: Invalid input: expected a list of at most 10000",
    ],
    [
      "counts rows that are none",
      () =>
        withObjects(
          JSON.stringify({
            ...dump,
            rows: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [at, "x"])),
          }),
        ),
      "objects.0.rows: Invalid input: expected values of one type by name",
    ],
    [
      "has versions that are none",
      () =>
        JSON.stringify({
          ...head,
          objects: [],
          versions: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [at, 1])),
        }),
      "versions: Invalid input: expected values of one type by name",
    ],
    [
      "lists failures that are none",
      () => JSON.stringify({ ...head, objects: [], failed: Array.from({ length: 300_000 }, () => 1) }),
      "failed: Invalid input: expected a list of at most 10000",
    ],
    [
      "lists dumps that are none",
      () => withObjects(`${"{},".repeat(9_998)}{}`),
      /\(objects\.0\.database: .*and \d+ more\)$/,
    ],
    ["is larger than one is read", () => `"${"x".repeat(LARGEST_TEXT)}"`, "more than 8388608 characters"],
  ])("that %s is told in a few words", (_what, made, words) => {
    const text = made();
    expect(() => parseManifest(text, "it")).toThrow(words);
    try {
      parseManifest(text, "it");
    } catch (error) {
      expect(String(error).length).toBeLessThan(1000);
    }
  });

  it("of a server with many tables is read, and nothing in a text counts as depth", () => {
    const rows = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`table${at}`, at]));
    const { objects } = parseManifest(withObjects(JSON.stringify({ ...dump, rows })), "it");
    expect(Object.keys(objects[0]?.rows ?? {})).toHaveLength(50_000);
    const name = '[[[[[[[[[[[[[[[[[[[["\\[{';
    expect(parseJson(JSON.stringify({ [name]: 1 }), recordOf(isCount), "it")).toEqual({ [name]: 1 });
    expect(() => parseJson("{", z.string(), "it")).toThrow("it is no JSON");
  });
});
