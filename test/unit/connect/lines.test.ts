import { expect, it } from "vitest";
import { linesOf } from "../../../connect/lines";

function cut(...parts: (string | Buffer)[]): string[] {
  const told: string[] = [];
  const lines = linesOf((line) => told.push(line));
  for (const part of parts) lines.take(Buffer.from(part as string));
  lines.end();
  return told;
}

it("cuts lines wherever a network cut them, characters too", () => {
  const [first, second] = [Buffer.from("ü").subarray(0, 1), Buffer.from("ü").subarray(1)];
  expect(cut("lock", "ed\n\non", "e ", first, second, "\nend")).toEqual(["locked", "", "one ü", "end"]);
  expect(cut("whole\n")).toEqual(["whole"]);
});

it("keeps the begin of a line that has no end, and no more work than its length", () => {
  const block = Buffer.alloc(2 ** 15, "a");
  const told = cut(...Array.from({ length: 2_048 }, () => block), "\nnext\n");
  expect(told).toEqual(["a".repeat(4_000), "next"]);
});
