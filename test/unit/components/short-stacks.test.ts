import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepStacksShort } from "../../../components/short-stacks";

const before = Error.prepareStackTrace;
const mapped = vi.fn(() => "through source maps");

beforeEach(() => {
  mapped.mockClear();
  Error.prepareStackTrace = mapped;
  keepStacksShort();
});
afterEach(() => {
  Error.prepareStackTrace = before;
});

/** As the SDK takes it: no message, no limit. */
function deepStack(depth: number): string {
  if (depth > 0) return deepStack(depth - 1);
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    return new Error().stack ?? "";
  } finally {
    Error.stackTraceLimit = limit;
  }
}

test("a stack the SDK takes has seven frames with file, line and column, and no source map is read for it", () => {
  const [head, ...frames] = deepStack(30).split("\n");
  expect(head).toBe("Error");
  expect(frames).toHaveLength(7);
  expect(frames[0]).toMatch(/^\s*at .*deepStack \(.*short-stacks\.test\.ts:\d+:\d+\)$/);
  expect(mapped).not.toHaveBeenCalled();
});

test("an error that says something, or is of another kind, is rendered as before", () => {
  expect(new Error("the server is gone").stack).toBe("through source maps");
  expect(new TypeError().stack).toBe("through source maps");
});

test("without a renderer nothing is changed", () => {
  Reflect.deleteProperty(Error, "prepareStackTrace");
  keepStacksShort();
  expect(Error.prepareStackTrace).toBeUndefined();
});
