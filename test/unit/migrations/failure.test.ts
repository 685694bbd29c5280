import { describe, expect, it } from "vitest";
import { parseScript } from "../../../estate/migrations/script";
import { statementFailure, withoutValues } from "../../../migrate/failure";

describe("a server's message", () => {
  it.each([
    ['invalid input syntax for type uuid: "canary"', 'invalid input syntax for type uuid: "..."'],
    ['invalid input value for enum mood: "canary"', 'invalid input value for enum mood: "..."'],
    ['date/time field value out of range: "canary"', 'date/time field value out of range: "..."'],
    ["Duplicate entry 'canary' for key 'email'", "Duplicate entry '...' for key 'email'"],
    [
      "Incorrect integer value: 'canary' for column `a`.`b`.`c` at row 1",
      "Incorrect integer value: '...' for column `a`.`b`.`c` at row 1",
    ],
    ["Truncated incorrect DOUBLE value: 'canary'", "Truncated incorrect DOUBLE value: '...'"],
    [
      "You have an error in your SQL syntax; check the manual for the right syntax to use near 'canary' at line 3",
      "You have an error in your SQL syntax; check the manual for the right syntax to use",
    ],
  ])("shows no value: %s", (message, shown) => {
    expect(withoutValues(message)).toBe(shown);
  });

  it.each([
    'relation "users" does not exist',
    'duplicate key value violates unique constraint "users_email_key"',
    'column "mail" of relation "users" does not exist',
    "Table 'mo_votes.voters' doesn't exist",
    "Unknown column 'mail' in 'field list'",
  ])("keeps the names: %s", (message) => {
    expect(withoutValues(message)).toBe(message);
  });
});

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
    const message = "You have an error in your SQL syntax; ... near 'x' at line 2";
    expect(statementFailure(script, 1, { message }).message).toMatch(/^sql\/db\/0001_x\.up\.sql:4: /);
  });
});
