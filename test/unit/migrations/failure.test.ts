import { describe, expect, it } from "vitest";
import { parseScript } from "../../../estate/migrations/script";
import { statementFailure } from "../../../migrate/failure";

describe("a failed statement", () => {
  const script = parseScript(
    "SELECT 1;\n\nINSERT INTO t\nVALUES ('é',\n 'canary');\n",
    "postgres",
    "sql/db/0001_x.up.sql",
  );

  it("is told by file, line, number and its first words", () => {
    expect(statementFailure(script, 1, { message: "it failed" }).message).toBe(
      "sql/db/0001_x.up.sql:3: statement 2 of 2 (INSERT INTO t VALUES) failed: it failed",
    );
  });

  it("PostgreSQL's position in it moves the line, counted in characters", () => {
    const position = [..."INSERT INTO t\nVALUES ('é',\n "].length + 1;
    expect(statementFailure(script, 1, { message: "x", position }).message).toMatch(
      /^sql\/db\/0001_x\.up\.sql:5: /,
    );
  });

  it("MariaDB's line in it does too", () => {
    expect(statementFailure(script, 1, { message: "x", line: 2 }).message).toMatch(
      /^sql\/db\/0001_x\.up\.sql:4: /,
    );
  });
});
