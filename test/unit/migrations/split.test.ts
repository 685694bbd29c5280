import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "libpg-query";
import { describe, expect, it } from "vitest";
import { SqlFault, splitStatements, summaryOf } from "../../../estate/migrations/split";
import type { Engine } from "../../../estate/types";
import { projectDirectory } from "../../support/run";

const texts = (sql: string, engine: Engine) => splitStatements(sql, engine).map(({ text }) => text);

describe("PostgreSQL's statements", () => {
  const tricky = [
    "SELECT ';', 'it''s;', E'\\';', \"a;\"\"b\", $$;$$, $tag$ $$;$$ ;$tag$;",
    "SELECT 1 -- ; not here\n+ 1 /* ; /* nested ; */ ; */;",
    "SELECT a$1, $1 FROM t WHERE a = $2;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;",
    "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END;",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);",
    "DO $do$ BEGIN PERFORM 1; END $do$;",
    "SELECT U&'d\\0061t;', B'1', X'ff', 'a'\n'b';",
    'CREATE TABLE begin_t ("begin" int, "end" int);',
    ";;;",
  ];

  /** Where PostgreSQL's own parser sees each statement begin and end. */
  async function parsed(sql: string): Promise<string[]> {
    const bytes = Buffer.from(sql, "utf8");
    const { stmts = [] } = (await parse(sql)) as { stmts?: { stmt_location?: number; stmt_len?: number }[] };
    return stmts.map(({ stmt_location: from = 0, stmt_len: length }) =>
      bytes.subarray(from, length ? from + length : undefined).toString("utf8"),
    );
  }
  const bare = (text: string) => text.replace(/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/, "").trim();

  const files = readdirSync(join(projectDirectory, "sql"), { recursive: true, encoding: "utf8" })
    .filter((file) => /^(mcp_portal|mcp_admin|ncy8)\/.*\.(up|down)\.sql$/.test(file))
    .sort();

  it.each(files)("are those that PostgreSQL's own parser sees: sql/%s", async (file) => {
    const sql = readFileSync(join(projectDirectory, "sql", file), "utf8");
    expect(texts(sql, "postgres")).toEqual((await parsed(sql)).map(bare));
  });

  it.each([...tricky, tricky.join("\n")])("are those that PostgreSQL's own parser sees: %s", async (sql) => {
    expect(texts(sql, "postgres").map(bare)).toEqual(
      (await parsed(sql)).map(bare).filter((text) => text !== ";"),
    );
  });

  it("know their line, and comments before them are no part of them", () => {
    const sql = "-- first\n\nSELECT 1;\n/* more\n */ SELECT\n 2;";
    expect(splitStatements(sql, "postgres").map(({ line, text }) => [line, text])).toEqual([
      [3, "SELECT 1"],
      [5, "SELECT\n 2"],
    ]);
  });

  it.each([
    ["SELECT 1;\nSELECT 'x", "a string that begins here never ends"],
    ["SELECT 1;\nSELECT $a$ $b$", "a dollar-quoted string that begins here never ends"],
    ['SELECT 1;\nSELECT "x', "a quoted name that begins here never ends"],
    ["SELECT 1;\n/* /* */", "a comment that begins here never ends"],
  ])("what never ends is a fault with its line: %s", (sql, message) => {
    const fault = attempt(() => splitStatements(sql, "postgres"));
    expect(fault).toBeInstanceOf(SqlFault);
    expect(fault).toMatchObject({ message: `SQL:2: ${message}`, faults: [{ line: 2, message }] });
  });
});

describe("MariaDB's statements", () => {
  it.each([
    ["a string's quotes and backslashes", "SELECT 'a\\';', \"b;\\\"\", 'it''s', `c;``d`; SELECT 2;", 2],
    ["comments: # and -- with a blank", "SELECT 1 # ; it's\n+ 1 -- ; don't\n; SELECT 2--1;", 2],
    ["comments in C's way, which do not nest", "SELECT 1 /* ; /* ; */; SELECT 2;", 2],
    ["nothing", " \n-- nothing\n", 0],
  ])("%s", (_what, sql, count) => {
    expect(texts(sql, "mariadb")).toHaveLength(count);
  });

  it("bodies stand between DELIMITER lines, as for the mariadb client", () => {
    const sql =
      "SELECT 1;\nDELIMITER //\nCREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW\nBEGIN SET @a = 1; SET @b = '//'; END //\n\ndelimiter ;\nSELECT 2;\n";
    expect(splitStatements(sql, "mariadb").map(({ line, text }) => [line, text])).toEqual([
      [1, "SELECT 1"],
      [3, "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW\nBEGIN SET @a = 1; SET @b = '//'; END"],
      [7, "SELECT 2"],
    ]);
  });

  it("one that another delimiter should end, and does not, is a fault", () => {
    expect(attempt(() => splitStatements("DELIMITER //\nSELECT 1;\n", "mariadb"))).toMatchObject({
      faults: [{ line: 2 }],
    });
  });
});

describe("a statement's summary", () => {
  it.each<[Engine, string, string]>([
    ["postgres", "INSERT INTO keys VALUES ('secret', 1)", "INSERT INTO keys VALUES"],
    ["postgres", "UPDATE public.\"Users\" SET password = 'secret'", 'UPDATE public."Users" SET password'],
    ["postgres", "SELECT 'secret'", "SELECT"],
    [
      "postgres",
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON public.b (c)",
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON public.b",
    ],
    ["mariadb", 'INSERT INTO `odd``name` (a) VALUES ("secret")', "INSERT INTO `odd``name`"],
  ])("of %s: %s", (engine, sql, summary) => {
    const [statement] = splitStatements(sql, engine);
    expect(statement && summaryOf(statement)).toBe(summary);
  });
});

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
