import { describe, expect, it } from "vitest";
import { lineOfSyntaxError, mariadbWords } from "../../../connect/mariadb-words";
import { postgresDetail, postgresWords } from "../../../connect/postgres-words";
import { NOT_SHOWN } from "../../../connect/words";

const CANARY = "canary-51c7";
const of = (code: string, message: string, more = {}) => ({ severity: "ERROR", code, message, ...more });

describe("what is said of an error of PostgreSQL", () => {
  it.each([
    ["22P02", `invalid input syntax for type uuid: "${CANARY}"`, "invalid input syntax for type uuid"],
    ["22P02", `invalid input value for enum mood: "${CANARY}"`, "invalid input value for enum mood"],
    ["22008", `date/time field value out of range: "${CANARY}"`, "date/time field value out of range"],
    ["22003", `value "${CANARY}" is out of range for type integer`, "value out of range for type integer"],
    ["22001", "value too long for type character varying(3)", "value too long for type character varying(3)"],
    [
      "22023",
      `invalid value for parameter "work_mem": "${CANARY}"`,
      'invalid value for parameter "work_mem"',
    ],
    ["42601", `syntax error at or near "${CANARY}"`, "syntax error"],
    ["42601", `unterminated quoted string at or near "'${CANARY}\nx"`, "unterminated quoted string"],
    ["57014", "canceling statement due to lock timeout", "canceling statement due to lock timeout"],
  ])("%s %s", (code, message, shown) => {
    expect(postgresWords(of(code, message))).toBe(shown);
  });

  it.each([
    ["42P01", 'relation "users" does not exist'],
    ["23505", 'duplicate key value violates unique constraint "users_email_key"'],
    ["42703", 'column "mail" of relation "users" does not exist'],
    ["28P01", 'password authentication failed for user "svc_x_a"'],
    ["3D000", 'database "x" does not exist'],
    ["XX000", "tuple concurrently updated"],
  ])("names stay: %s %s", (code, message) => {
    expect(postgresWords(of(code, message))).toBe(message);
  });

  it.each([
    [
      "what a function raises, whatever it calls it",
      of("42P01", `relation "${CANARY}" does not exist`, { routine: "exec_stmt_raise" }),
    ],
    ["what a function asserts", of("23505", CANARY, { routine: "exec_stmt_assert" })],
    ["what another server said", of("42P01", CANARY, { routine: "dblink_res_error" })],
    ["a code of somebody's own", of("P0001", CANARY)],
    ["a value alone", of("22005", `"${CANARY}" is not known`)],
    ["a number", of("22023", "value 4711 is out of bounds")],
    ["bytes", of("22P05", "character with byte sequence 0xc3 0xa9 in encoding is unknown")],
    ["an internal error", of("XX000", `unexpected ${CANARY}`)],
    [
      "a statement that a function put together",
      of("42P01", `relation "${CANARY}" does not exist`, {
        internalQuery: `SELECT FROM "${CANARY}"`,
        where: "PL/pgSQL function f() line 3 at EXECUTE",
      }),
    ],
  ])("not shown: %s", (_what, error) => {
    const said = postgresWords(error);
    expect(said).not.toContain("canary");
    expect(said).toBe(`${NOT_SHOWN} (SQLSTATE ${error.code})`);
  });

  it("names the objects that the server names beside a message that is not shown", () => {
    const error = of("22P05", CANARY, {
      schema: "public",
      table: "users",
      column: "mail",
      constraint: "c\nx",
    });
    expect(postgresWords({ ...error, message: `"${CANARY}"` })).toBe(
      `${NOT_SHOWN} (SQLSTATE 22P05, table public.users, column mail, constraint c?x)`,
    );
    expect(postgresWords({ ...error, routine: "exec_stmt_raise" })).toBe(`${NOT_SHOWN} (SQLSTATE 22P05)`);
  });

  it("a right that is missing is named inside a function too", () => {
    const error = of("42501", "permission denied for table t", { where: "PL/pgSQL function f() line 3" });
    expect(postgresWords(error)).toBe("permission denied for table t");
  });

  it("a detail is kept where it lists objects, and nowhere else", () => {
    const detail = "owner of table t";
    expect(postgresDetail(of("2BP01", "x", { detail }))).toBe(detail);
    expect(
      postgresDetail(of("23505", "x", { detail: `Key (a)=(${CANARY}) already exists.` })),
    ).toBeUndefined();
    expect(postgresDetail(of("2BP01", "x", { detail: CANARY, routine: "exec_stmt_raise" }))).toBeUndefined();
  });

  it("the driver's own words stay, without a verifier or a value that it cannot read", () => {
    expect(postgresWords(new Error("self-signed certificate"))).toBe("self-signed certificate");
    expect(postgresWords(new Error("x SCRAM-SHA-256$4096:abc$d:e y"))).toBe("x SCRAM-SHA-256$... y");
    expect(
      postgresWords(new SyntaxError(`Unexpected token 'c', "${CANARY}" is not valid JSON`)),
    ).not.toContain("canary");
  });
});

describe("what is said of an error of MariaDB", () => {
  const said = (sqlMessage: string, errno = 1) => mariadbWords({ message: sqlMessage, sqlMessage, errno });

  it.each([
    [`Duplicate entry '${CANARY}' for key 'users_email'`, "Duplicate entry for key 'users_email'"],
    [`Duplicate entry '${CANARY}`, "Duplicate entry"],
    [
      `Incorrect integer value: '${CANARY}' for column \`a\`.\`b\`.\`c\` at row 1`,
      "Incorrect integer value for column `a`.`b`.`c` at row 1",
    ],
    [`Truncated incorrect DOUBLE value: '${CANARY}'`, "Truncated incorrect DOUBLE value"],
    [
      `Incorrect string value: '${CANARY}' for column \`a\` at row 1`,
      "Incorrect string value for column `a` at row 1",
    ],
    [`BIGINT value is out of range in '${CANARY} + 1'`, "BIGINT value is out of range"],
    [
      `You have an error in your SQL syntax; check the manual for the right syntax to use near '${CANARY}' at line 3`,
      "You have an error in your SQL syntax",
    ],
    [
      "Cannot add or update a child row: a foreign key constraint fails (`d`.`c`, CONSTRAINT `fk` FOREIGN KEY (`p`) REFERENCES `p` (`id`))",
      "Cannot add or update a child row: a foreign key constraint fails (`d`.`c`, CONSTRAINT `fk`)",
    ],
  ])("%s", (message, shown) => {
    expect(said(message)).toBe(shown);
  });

  it.each([
    "Table 'mo_votes.voters' doesn't exist",
    "Unknown column 'mail' in 'field list'",
    "Access denied for user 'svc_x'@'127.0.0.1' (using password: YES)",
    "SELECT command denied to user 'svc_x'@'127.0.0.1' for table `mysql`.`global_priv`",
    "User 'svc_x' has exceeded the 'max_user_connections' resource (current value: 5)",
    "Data too long for column 'a' at row 1",
    "CONSTRAINT `c` failed for `d`.`t`",
  ])("names stay: %s", (message) => {
    expect(said(message)).toBe(message);
  });

  it.each([
    `${CANARY} must not`,
    `Table has no partition for value ${CANARY}`,
    `Encountered illegal value '${CANARY}'`,
  ])("not shown: %s", (message) => {
    expect(said(message, 1644)).toBe(`${NOT_SHOWN} (error 1644)`);
  });

  it("a hash is never shown", () => {
    expect(said(`Access denied for user '*${"A1".repeat(20)}'`)).toBe("Access denied for user '*...'");
  });

  it("the line of a syntax error, and of nothing else", () => {
    const sqlMessage = `You have an error in your SQL syntax; near 'x at line 9' at line 12`;
    expect(lineOfSyntaxError({ message: "", errno: 1064, sqlMessage })).toBe(12);
    expect(lineOfSyntaxError({ message: "", errno: 1644, sqlMessage })).toBeUndefined();
  });
});
