import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";

const TESTS = path.join(__dirname, "../..");

/** What leaves a test out at run time, or marks one as to do. A test that is for one engine alone is made for that one alone. */
const CONDITIONAL = /\.(runIf|skipIf|skip|todo|only)\(/;

it("no test is left out by a condition: whatever is written runs, or the run is red after an hour", () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".test.ts"),
  );
  expect(files.length).toBeGreaterThan(200);
  const conditional = files.filter((file) => CONDITIONAL.test(readFileSync(path.join(TESTS, file), "utf8")));
  expect(conditional).toEqual([]);
});
