import { describe, expect, it } from "vitest";
import { schemaStatements, schemaText } from "../../../test/support/schema-text";

const TABLE =
  "CREATE TABLE `a` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `note` varchar(9) DEFAULT '*/ x;',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB";
const BODY = "BEGIN\n  -- why\n  SET @it = ';;'; /* so */\n  SET @it = '/*!1 x';\nEND";

/** As a client of one point release writes it. */
const older = `/*!999999\\- enable the sandbox mode */
/*!40101 SET @saved_cs_client     = @@character_set_client */;
${TABLE} AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 TRIGGER t BEFORE UPDATE ON a FOR EACH ROW
${BODY} */;;
DELIMITER ;
/*!50001 CREATE VIEW \`v\` AS SELECT
 1 AS \`id\` */;
/*!50001 DROP VIEW IF EXISTS \`v\`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`localhost\` SQL SECURITY INVOKER */
/*!50001 VIEW \`v\` AS select \`a\`.\`id\` AS \`id\` from \`a\` */;
`;

/** The same as another one's. */
const newer = `/*M!999999\\- enable the sandbox mode */ 
SET @saved_cs_client     = @@character_set_client;
${TABLE} DEFAULT CHARSET=utf8mb4;
-- a heading
DELIMITER ;;
CREATE DEFINER=\`admin\`@\`%\` TRIGGER t BEFORE UPDATE ON a FOR EACH ROW
${BODY}
;;
DELIMITER ;
/*!50001 CREATE VIEW \`v\` AS SELECT
 NULL AS \`id\` */;
/*!50001 DROP VIEW IF EXISTS \`v\`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=\`admin\`@\`%\` SQL SECURITY INVOKER */ /*!50001 VIEW \`v\`
  AS select \`a\`.\`id\` AS \`id\` from \`a\` */;
`;

const postgres = {
  older: `--
-- PostgreSQL database dump
--
\\restrict abc
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RETURN new; -- so
END $$;
CREATE TABLE public.a (
    id integer NOT NULL
);
\\unrestrict abc
`,
  newer: `SET transaction_timeout = 0;
CREATE TABLE public.a ( id integer NOT NULL );
CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RETURN new; -- so
END $$;
`,
};

describe("the statements of a MariaDB schema", () => {
  const of = (text: string) => schemaStatements(text, "mariadb");

  it("are the same whatever the client's layout, marks, owner and session are", () => {
    expect(of(older)).toHaveLength(3);
    expect(of(newer)).toEqual(of(older));
  });

  it.each([
    ["a word of a trigger's body", "SET @it = ';;'", "SET @i = ';;'"],
    ["a string of it", "';;'", "'; ;'"],
    ["a comment of it", "-- why", "-- Why"],
    ["another comment of it", "/* so */", "/* so  */"],
    ["a mark in a string", "'/*!1 x'", "'/*!2 x'"],
    ["a default", "'*/ x;'", "'*/  x;'"],
    ["a view's rights", "SQL SECURITY INVOKER", "SQL SECURITY DEFINER"],
    ["a view's columns", "`a`.`id` AS `id` from", "`a`.`id` AS `ID` from"],
    ["a trigger's moment", "BEFORE UPDATE", "AFTER UPDATE"],
  ])("differ by %s", (_what, from, to) => {
    expect(newer).toContain(from);
    expect(of(newer.replace(from, to))).not.toEqual(of(older));
  });

  it("differ by a statement more or less, also one that is there twice", () => {
    expect(of(`${newer}${TABLE};\n`)).not.toEqual(of(older));
  });

  it("are written so that the client reads them, and written again as they are", () => {
    const text = schemaText(older, "mariadb");
    expect(text).not.toMatch(/^.*(?:50003|DEFINER|saved_cs|sandbox|AUTO_INCREMENT=)/m);
    expect(text).toContain(
      `DELIMITER ;;\nCREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW\n${BODY} ;;\nDELIMITER ;\n`,
    );
    expect(schemaText(text, "mariadb")).toBe(text);
    expect(of(text)).toEqual(of(older));
  });

  it("of nothing are none", () => {
    expect(schemaText("/*M!999999\\- enable the sandbox mode */ \n", "mariadb")).toBe("");
  });
});

describe("the statements of a PostgreSQL schema", () => {
  const of = (text: string) => schemaStatements(text, "postgres");

  it("are the same whatever the layout, the order and the session are", () => {
    expect(of(postgres.older)).toHaveLength(2);
    expect(of(postgres.newer)).toEqual(of(postgres.older));
  });

  it.each([
    ["a comment in a function", "-- so", "-- So"],
    ["a blank in a function", "BEGIN RETURN", "BEGIN  RETURN"],
    ["a type", "id integer", "id bigint"],
  ])("differ by %s", (_what, from, to) => {
    expect(of(postgres.newer.replace(from, to))).not.toEqual(of(postgres.older));
  });
});
