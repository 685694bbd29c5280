import { describe, expect, it } from "vitest";
import { readStatements } from "../../../estate/migrations/split";
import type { Engine } from "../../../estate/types";

const faults = (sql: string, engine: Engine) =>
  readStatements(sql, engine).faults.map(({ line, message }) => `${line}: ${message}`);
const texts = (sql: string, engine: Engine) => {
  const { statements, faults } = readStatements(sql, engine);
  expect(faults).toEqual([]);
  return statements.map(({ text }) => text);
};

describe("what the mariadb client and the server do not see alike", () => {
  it.each<[string, RegExp[]]>([
    [
      "SELECT 1;\n/*!50003 CREATE TRIGGER a BEFORE UPDATE ON b FOR EACH ROW SET NEW.c = 1 */;\n/*M!100300 SELECT 2 */;",
      [/^2: an executable comment/, /^3: an executable comment/],
    ],
    ["SELECT 1 /*! + 1 */;", [/^1: an executable comment/]],
    ["SELECT 1 /*!99999 + 1 */;", [/^1: an executable comment/]],
    [
      "CREATE /*!50017 DEFINER=`a`@`b` */ TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 1;",
      [/^1: an exec/],
    ],
    ["SELECT 1\\g\nSELECT 2;", [/^1: commands of the mariadb client \(\\g\)/]],
    ["SELECT 1\\G", [/^1: commands of the mariadb client \(\\G\)/]],
    ["SELECT 1;\n\\! touch x\nSELECT 2;", [/^2: commands of the mariadb client \(\\!\)/]],
    ["SELECT 1;\n  source other.sql\nSELECT 2;", [/^2: source is a command of the mariadb client/]],
    ["\\. other.sql\n", [/^1: commands of the mariadb client \(\\\.\)/]],
    ["SYSTEM ls;", [/^1: SYSTEM is a command/]],
    ["tee /tmp/x\n", [/^1: tee is a command/]],
    ["delimiter\n", [/^1: DELIMITER stands alone/]],
    ["DELIMITER;\nSELECT 1;", [/^1: DELIMITER stands alone/]],
    ["DELIMITER//\nSELECT 1//\n", [/^1: DELIMITER stands alone/]],
    ["DELIMITER // SELECT 1 //\nSELECT 2 //\n", [/^1: DELIMITER stands alone/]],
    ["SELECT a\nDELIMITER //\n;SELECT 2;", [/^2: the mariadb client joins a line that begins with/]],
    ["CREATE TABLE a (\ndelimiter_id int\n);", [/^2: the mariadb client joins a line/]],
    ["SELECT 1 AS\nDelimiter\nFROM a;", [/^2: the mariadb client joins a line/]],
    ["SELECT 1; DELIMITER //\nSELECT 2 //\n", [/^1: DELIMITER stands alone/]],
    ["/* a\n*/ DELIMITER //\nSELECT 2 //\n", [/^2: DELIMITER stands alone/]],
    ["DELIMITER go\nSELECT category go\n", [/^1: the delimiter go could stand in a statement/]],
    ["DELIMITER \\\\\nSELECT 1 \\\\\n", [/^1: the delimiter \\\\ could/]],
    ["DELIMITER '\nSELECT 1 '\n", [/^1: the delimiter ' could/]],
    ["DELIMITER --\nSELECT 1 --\n", [/^1: the delimiter -- could/]],
    ["SELECT 1;\n--note\nSELECT 2;", [/^2: `--` is a comment to the client alone/]],
    ["SELECT 1 --\u0001 2;", [/^1: `--` before a control character/]],
    ["SELECT 1;\n--\u00a0note ; SELECT 2;", [/^2: `--` is a comment to the client alone/]],
    ["SELECT 1;\n/* a /*! ; */ */ SELECT 2;", [/^2: an executable comment/]],
    ["/* a /*M! ; */ */ SELECT 2;", [/^1: an executable comment/]],
    ["INSERT INTO a VALUES (1,\\ 'x');", [/^1: commands of the mariadb client/]],
    ["SELECT 1;\n? x\n", [/^2: \? is a command/]],
    ["SELECT 1;\n\n   quit\nSELECT 2;", [/^3: quit is a command/]],
    ["DELIMITER é\nSELECT 1é\n", [/^1: the delimiter é could/]],
  ])("is refused with its line: %j", (sql, expected) => {
    const found = faults(sql, "mariadb");
    expect(found).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
  });

  it.each<[string, string[]]>([
    [
      "DELIMITER $$\nSELECT 1$$\nBEGIN NOT ATOMIC SELECT 1; END$$\nDELIMITER ;\nSELECT 2;",
      ["SELECT 1", "BEGIN NOT ATOMIC SELECT 1; END", "SELECT 2"],
    ],
    [
      "DELIMITER //\nSELECT 1//SELECT '//' //\ndelimiter ;\nSELECT 2;",
      ["SELECT 1", "SELECT '//'", "SELECT 2"],
    ],
    ["delimiter ;;\nSELECT 1; SELECT 2;;\n  DELIMITER ;  \nSELECT 3;", ["SELECT 1; SELECT 2", "SELECT 3"]],
    ["DELIMITER //\r\nSELECT 1//\r\nDELIMITER ;\r\nSELECT 2;".replaceAll("\r", ""), ["SELECT 1", "SELECT 2"]],
    ["SELECT \\N;", ["SELECT \\N"]],
    ["SELECT '\nDELIMITER //\n';SELECT '/*! x */';", ["SELECT '\nDELIMITER //\n'", "SELECT '/*! x */'"]],
    ["SELECT t.\nuse FROM t;SELECT 2;", ["SELECT t.\nuse FROM t", "SELECT 2"]],
    ["# /*\nSELECT 1;-- /*! ; */\nSELECT 2;", ["SELECT 1", "SELECT 2"]],
    [
      "SELECT 1 # it's\n;SELECT 2 -- it's\n;SELECT 3--1;",
      ["SELECT 1 # it's", "SELECT 2 -- it's", "SELECT 3--1"],
    ],
    ["SELECT 1 /* /* ; */ ;SELECT 2 /*/ ; */;", ["SELECT 1 /* /* ; */", "SELECT 2 /*/ ; */"]],
    ["SELECT `a\\`, \"b\\\";\", 'c\\';', N'd;', x'3b';", ["SELECT `a\\`, \"b\\\";\", 'c\\';', N'd;', x'3b'"]],
    [
      "CREATE TABLE a (\n  delimiter char(1),\n  source text\n);",
      ["CREATE TABLE a (\n  delimiter char(1),\n  source text\n)"],
    ],
  ])("and what they see alike is read so: %j", (sql, expected) => {
    expect(texts(sql, "mariadb")).toEqual(expected);
  });
});

describe("what psql and the server do not see alike", () => {
  it.each<[string, RegExp[]]>([
    ["SELECT 1;\n\\! touch x\nSELECT 2;", [/^2: commands of psql \(\\!\)/]],
    [
      "\\i other.sql\n\\copy a from 'b'\n",
      [/^1: commands of psql \(\\i\)/, /^2: commands of psql \(\\copy\)/],
    ],
    ["SELECT 1 \\gexec\n", [/^1: commands of psql \(\\gexec\)/]],
    ["SELECT 1 \\; SELECT 2;", [/^1: commands of psql \(\\;\)/]],
    ["DELIMITER //\nSELECT 1;", [/^1: psql knows no DELIMITER/]],
    ["SELECT 1;\nSELECT a[1:n] FROM b;", [/^2: `:name` is a variable to psql/]],
    ['SELECT a[1:"n"] FROM b;', [/^1: `:name` is a variable/]],
    ["SELECT a[1:'2'] FROM b;", [/^1: `:name` is a variable/]],
    ["SELECT :{?HOST};", [/^1: `:name` is a variable/]],
    ["SELECT 1:::VERSION;", [/^1: `:name` is a variable/]],
    ["SELECT E'a'\n'\\';' ;SELECT 2;", [/^1: escapes in a string that goes on/]],
    ["SELECT E'a' -- it's\n  '\\';' ;SELECT 2;", [/^1: escapes in a string that goes on/]],
    ['SELECT 1;\nSET U&"r\\006fle" = x;', [/^2: a name in escapes/]],
    ["CREATE TABLE a (b int;\nGRANT ALL ON a TO c;", [/^1: a parenthesis .* is never closed/]],
    [
      "CREATE FUNCTION begin() RETURNS int LANGUAGE sql RETURN 1;SELECT 2;",
      [/^1: psql counts BEGIN, CASE and END of a routine/],
    ],
    [
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2; END;SELECT 2;",
      [/^1: psql counts/, /^1: psql counts/],
    ],
    ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;", [/^1: BEGIN ATOMIC .* has no END/]],
  ])("is refused with its line: %j", (sql, expected) => {
    const found = faults(sql, "postgres");
    expect(found).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
  });

  it.each<[string, string[]]>([
    ["SELECT E'\\n'\n'b;' ;SELECT 2;", ["SELECT E'\\n'\n'b;'", "SELECT 2"]],
    [
      "SELECT a[1:2], a[1: n], b::text, f(c:=1), ':n';SELECT 2;",
      ["SELECT a[1:2], a[1: n], b::text, f(c:=1), ':n'", "SELECT 2"],
    ],
    ["DO $$ BEGIN x:=a[1:n]; END $$;SELECT 2;", ["DO $$ BEGIN x:=a[1:n]; END $$", "SELECT 2"]],
    ["SELECT 1 */* ; ' */ 2;SELECT 1 +-- ;\n2;", ["SELECT 1 */* ; ' */ 2", "SELECT 1 +-- ;\n2"]],
    ["SELECT 'a\\';SELECT 'b\\';", ["SELECT 'a\\'", "SELECT 'b\\'"]],
    ["SELECT U&'\\';SELECT 2;", ["SELECT U&'\\'", "SELECT 2"]],
    ["SELECT $a$;$b$;$a$, $1$;$ ;", ["SELECT $a$;$b$;$a$, $1$", "$"]],
    [
      'CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql RETURN 1;SELECT 2;',
      ['CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql RETURN 1', "SELECT 2"],
    ],
    [
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS "end"; SELECT CASE WHEN a THEN (SELECT 1 AS end) END FROM t; END;SELECT 2;',
      [
        'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS "end"; SELECT CASE WHEN a THEN (SELECT 1 AS end) END FROM t; END',
        "SELECT 2",
      ],
    ],
    ["COPY a FROM stdin;\n1\tit's\n\\.\nSELECT 2;", ["COPY a FROM stdin", "SELECT 2"]],
  ])("and what they see alike is read so: %j", (sql, expected) => {
    expect(texts(sql, "postgres")).toEqual(expected);
  });
});
