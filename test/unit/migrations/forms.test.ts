import { describe, expect, it } from "vitest";
import { FaultyEstate } from "../../../estate/faults";
import { checkMigrations } from "../../../estate/migrations/read";
import type { Engine } from "../../../estate/types";
import { Seeded } from "../../support/seeded";

function faults(sql: string, engine: Engine): string[] {
  try {
    checkMigrations({ name: "db", engine }, { "0001_a.up.sql": sql, "0001_a.down.sql": "SELECT 1;\n" });
    return [];
  } catch (error) {
    if (error instanceof FaultyEstate) return error.faults.map(({ fix }) => fix);
    throw error;
  }
}

const BETWEEN = [" ", "\n", "\t", "  \n ", "/* c */", " /*;*/ ", "-- it's\n", " -- ;\n\t", "\r\n", "/**/"];
const BETWEEN_OF: Record<Engine, string[]> = {
  postgres: [...BETWEEN, "/* a /* b; */ c */", "--c\n", "\f", "\v"],
  mariadb: [...BETWEEN, "# it's\n", "#\n", "/* a /* b */", "\f"],
};
const FORMS_EACH = 60;

/** The same statement to the server: other letters, other blanks, comments between its words and before it. */
function form(sql: string, engine: Engine, random: Seeded): string {
  const style = random.pick(["lower", "upper", "mixed"] as const);
  const recase = (text: string) =>
    [...text]
      .map((letter) => {
        const upper = style === "upper" || (style === "mixed" && random.next() < 0.5);
        return upper ? letter.toUpperCase() : letter.toLowerCase();
      })
      .join("");
  const between = () => random.pick(BETWEEN_OF[engine]);
  const words = sql.split(" ").map((word) => (/['"`$]/.test(word) ? word : recase(word)));
  const before = random.pick(["", ";", ";;\n", between(), `SELECT 1;${between()}`]);
  return `${before}${words.join("\u0000").replaceAll("\u0000", () => between())};\n`;
}

const POSTGRES: [string, RegExp][] = [
  ["BEGIN", /transaction is this program's/],
  ["START TRANSACTION READ ONLY", /transaction is this program's/],
  ["PREPARE TRANSACTION 'x'", /transaction is this program's/],
  ["COMMIT AND CHAIN", /transaction is this program's/],
  ["SET ROLE postgres", /stays it/],
  ["SET LOCAL ROLE NONE", /stays it/],
  ["SET SESSION role TO postgres", /stays it/],
  ["SET role = postgres", /stays it/],
  ['SET "role" = postgres', /stays it/],
  ['SET LOCAL "role" TO postgres', /stays it/],
  ["SET session_authorization = postgres", /stays it/],
  ['SET "session_authorization" TO DEFAULT', /stays it/],
  ["SET LOCAL SESSION AUTHORIZATION DEFAULT", /stays it/],
  ['RESET "role"', /stays it/],
  ["RESET session_authorization", /stays it/],
  ["RESET ALL", /stays it/],
  ["SELECT set_config ( 'role' , 'postgres' , false )", /stays it/],
  [`SELECT pg_catalog."set_config" ( 'role' , 'postgres' , true )`, /stays it/],
  ["SELECT set_config ( 'ro' || 'le' , 'postgres' , true )", /stays it/],
  ["SELECT set_config ( E'r\\x6fle' , 'postgres' , true )", /stays it/],
  ["SET standard_conforming_strings = off", /standard strings/],
  ["SET LOCAL client_encoding TO 'LATIN1'", /standard strings/],
  ["LOAD 'auto_explain'", /declared with the server/],
  ["DELETE FROM estate . migration_history", /leave it alone/],
  [
    'CREATE TRIGGER a BEFORE INSERT ON "estate" . "migration_history" EXECUTE FUNCTION b ( )',
    /leave it alone/,
  ],
  ["SET NAMES 'LATIN1'", /standard strings/],
  ["UPDATE pg_settings SET setting = 'off' WHERE name = 'role'", /stays it/],
  ['UPDATE pg_catalog . "pg_settings" SET setting = 1', /stays it/],
  ["WITH a AS ( UPDATE pg_settings SET setting = 1 RETURNING 1 ) SELECT 1", /stays it/],
  ["DO $$ BEGIN SET standard_conforming_strings = off; END $$", /stays it/],
  ["DO $$ BEGIN EXECUTE 'SET client_encoding = latin1'; END $$", /stays it/],
  ["DO LANGUAGE plpgsql 'BEGIN/**/UPDATE/**/pg_settings/**/SET/**/setting=1;END'", /stays it/],
  ["CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS 'SET/**/backslash_quote=on'", /stays it/],
  ["CREATE PROCEDURE p() LANGUAGE sql AS 'SET/**/session_authorization=x'", /stays it/],
  ["GRANT SELECT ON a TO PUBLIC", /declared, not migrated/],
  ["ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO x", /declared, not migrated/],
  ['ALTER TABLE IF EXISTS ONLY public."A" OWNER TO x', /declared, not migrated/],
  ["CREATE SCHEMA s AUTHORIZATION x", /declared, not migrated/],
  ["CREATE SCHEMA s CREATE TABLE t ( a int ) GRANT SELECT ON t TO PUBLIC", /declared, not migrated/],
  ["DROP OWNED BY x", /declared, not migrated/],
  ["CREATE USER x", /declared, not migrated/],
  ["CREATE EXTENSION IF NOT EXISTS x", /catalogue declares/],
  ["ALTER POLICY p ON a USING ( true )", /row-level security/],
  ["ALTER TABLE a DISABLE ROW LEVEL SECURITY", /row-level security/],
  ['ALTER TABLE IF EXISTS ONLY public."A" NO FORCE ROW LEVEL SECURITY', /row-level security/],
  ["ALTER TABLE a DISABLE ROW LEVEL SECURITY , ADD COLUMN b int DEFAULT 1", /row-level security/],
  [`ALTER TABLE a ${"ADD COLUMN b int , ".repeat(30)} DISABLE ROW LEVEL SECURITY`, /row-level security/],
  ["ALTER TABLE a ALTER COLUMN b SET DEFAULT 'x' , ENABLE ROW LEVEL SECURITY", /row-level security/],
  ["COPY a FROM STDIN", /as INSERT/],
  ["COPY a ( b ) FROM '/etc/passwd'", /as INSERT/],
  ["COPY ( SELECT 'x' ) TO PROGRAM 'sh'", /as INSERT/],
  ["CREATE INDEX CONCURRENTLY a ON b ( c )", /cannot run in a transaction/],
  ["REINDEX ( VERBOSE , CONCURRENTLY ) TABLE a", /cannot run in a transaction/],
];

const MARIADB: [string, RegExp][] = [
  ["START TRANSACTION", /commits by itself/],
  ["BEGIN NOT ATOMIC SELECT 1 ; END", /commits by itself/],
  ["SET autocommit = 0", /commits by itself/],
  ["SET @@autocommit = 0", /commits by itself/],
  ["SET @@session . autocommit = 0", /commits by itself/],
  ["SET SESSION `autocommit` = 0", /commits by itself/],
  ["SET @a = ( SELECT 1 , 2 ) , LOCAL autocommit = 0", /commits by itself/],
  ["SET sql_mode = 'ANSI_QUOTES'", /SQL modes of this program/],
  ["SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'", /SQL modes of this program/],
  ["SET @@`sql_mode` = ''", /SQL modes of this program/],
  ["SET @a = 1 , @@session.sql_mode = ''", /SQL modes of this program/],
  ["SET NAMES latin1", /SQL modes of this program/],
  ["SET CHARACTER SET latin1", /SQL modes of this program/],
  ["SET CHAR SET latin1", /SQL modes of this program/],
  ["SET collation_connection = latin1_bin", /SQL modes of this program/],
  ["SET @@session.character_set_results = latin1", /SQL modes of this program/],
  ["SET old_mode = ''", /SQL modes of this program/],
  ["SET completion_type = 2", /commits by itself/],
  ["SET SESSION TRANSACTION READ ONLY", /commits by itself/],
  ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", /commits by itself/],
  ["SET @@tx_read_only = 1", /commits by itself/],
  ["SET foreign_key_checks = 0", /for the session alone/],
  ["SET @a = 1", /for the session alone/],
  ["SELECT 1 INTO @a", /for the session alone/],
  ["INSERT INTO a VALUES ( @b )", /for the session alone/],
  ["INSERT INTO a SELECT LAST_INSERT_ID ( )", /for the session alone/],
  ["INSERT INTO a SELECT ROW_COUNT ( )", /for the session alone/],
  ["INSERT INTO a SELECT FOUND_ROWS ( )", /for the session alone/],
  ["INSERT INTO a SELECT @@session.identity", /for the session alone/],
  ["INSERT INTO a SELECT @@`warning_count`", /for the session alone/],
  ["INSERT INTO a SELECT PREVIOUS VALUE FOR b", /for the session alone/],
  ["INSERT INTO a SELECT LASTVAL ( b )", /for the session alone/],
  ["CREATE TEMPORARY TABLE IF NOT EXISTS a ( b int )", /for the session alone/],
  ["HANDLER a OPEN", /for the session alone/],
  ["DO RELEASE_ALL_LOCKS ( )", /run one at a time/],
  ["INSERT INTO a SELECT GET_LOCK ( 'a' , 1 )", /run one at a time/],
  ["BACKUP LOCK a", /operated elsewhere/],
  ["CREATE OR REPLACE FUNCTION a RETURNS STRING SONAME 'b.so'", /operated elsewhere/],
  ["CREATE OR REPLACE SERVER a FOREIGN DATA WRAPPER mysql OPTIONS ( HOST 'b' )", /operated elsewhere/],
  ["INSERT INTO a SELECT LOAD_FILE ( '/etc/passwd' )", /writes no file/],
  ["DROP TABLE IF EXISTS `migration_history`", /leave it alone/],
  ["UPDATE migration_history SET checksum = ''", /leave it alone/],
  ["ALTER TABLE a EXCHANGE PARTITION b WITH TABLE c", /nor do more/],
  ["ALTER TABLE a COALESCE PARTITION 1", /nor do more/],
  ["ALTER TABLE a ADD PARTITION PARTITIONS 2", /nor do more/],
  ["RENAME TABLE IF EXISTS a TO b , c TO a", /swap back/],
  ["SET GLOBAL max_connections = 1", /declared with the server/],
  ["SET @@global . max_connections = 1", /declared with the server/],
  ["SET STATEMENT max_statement_time = 1 FOR DROP TABLE a", /hides what runs/],
  ["EXECUTE IMMEDIATE 'DROP'", /hides what runs/],
  ["PREPARE s FROM 'DROP'", /hides what runs/],
  ["IF 1 THEN DROP TABLE a ; END IF", /no block/],
  ["a : LOOP DROP TABLE a ; END LOOP", /no block/],
  ["LOCK TABLES a WRITE", /leave it out/],
  ["GRANT ALL ON * . * TO a", /declared, not migrated/],
  ["SET DEFAULT ROLE a", /declared, not migrated/],
  ["CREATE OR REPLACE USER a", /declared, not migrated/],
  ["CREATE OR REPLACE DATABASE a", /in its own/],
  ["ALTER SCHEMA a CHARACTER SET latin1", /in its own/],
  ["LOAD DATA LOCAL INFILE 'a' INTO TABLE b", /as INSERT/],
  ["SELECT 'x' INTO OUTFILE '/tmp/x'", /writes no file/],
  ["SELECT 'x' INTO DUMPFILE '/tmp/x'", /writes no file/],
  ["INSTALL SONAME 'x'", /operated elsewhere/],
  [
    "CREATE OR REPLACE DEFINER = 'a' @ 'b' TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 1",
    /DEFINER out/,
  ],
  ["ALTER ALGORITHM = MERGE DEFINER = `a` @ `b` VIEW v AS SELECT 1", /DEFINER out/],
  ["CREATE TEMPORARY TABLE a ( b int )", /IF NOT EXISTS/],
  ["CREATE SEQUENCE a", /IF NOT EXISTS/],
  ["CREATE FULLTEXT INDEX a ON b ( c )", /INDEX IF NOT EXISTS/],
  ["CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW v AS SELECT 1", /OR REPLACE/],
  ["CREATE AGGREGATE FUNCTION f ( ) RETURNS int RETURN 1", /OR REPLACE/],
  ["DROP TABLES a , b", /IF EXISTS/],
  ["DROP TEMPORARY TABLE `a`", /IF EXISTS/],
  ["DROP PACKAGE BODY a", /IF EXISTS/],
  ["RENAME TABLE a TO b", /RENAME TABLE IF EXISTS/],
  ["ALTER ONLINE IGNORE TABLE a ADD b int", /ADD ... IF NOT EXISTS/],
  ["ALTER TABLE a MODIFY b enum('x','y') , DROP c", /DROP ... IF EXISTS/],
  ["ALTER TABLE a CHANGE `b` c int", /IF EXISTS/],
  ["ALTER TABLE a RENAME COLUMN b TO c", /IF EXISTS/],
  ["ALTER TABLE a RENAME TO b", /RENAME TABLE IF EXISTS/],
];

describe.each<[Engine, [string, RegExp][]]>([
  ["postgres", POSTGRES],
  ["mariadb", MARIADB],
])("a rule for %s sees every form of a statement", (engine, statements) => {
  it.each(statements)("%s", (sql, fix) => {
    const random = new Seeded(sql.length);
    for (let count = 0; count < FORMS_EACH; count++) {
      const written = form(sql, engine, random);
      expect(faults(written, engine).join("\n"), JSON.stringify(written)).toMatch(fix);
    }
  });
});

describe("no rule takes for a statement what only looks like one", () => {
  it.each<[Engine, string]>([
    ["postgres", `CREATE TABLE "grant" ("owner" text DEFAULT 'GRANT', note text DEFAULT $$SET ROLE x$$);`],
    ["postgres", "INSERT INTO a VALUES ('COPY a FROM STDIN'), ('ALTER TABLE a OWNER TO b');"],
    ["postgres", "SELECT set_config('app.role_of_day', '', true);"],
    ["postgres", "SET LOCAL work_mem = '64MB';"],
    ["postgres", "SELECT setting FROM pg_settings WHERE name = 'client_encoding';"],
    ["postgres", "UPDATE a SET b = 'pg_settings', c = 'standard_conforming_strings';"],
    ["postgres", "DO $$ BEGIN UPDATE a SET b = 1; END $$;"],
    ["postgres", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;"],
    ["mariadb", "CREATE TABLE IF NOT EXISTS a (definer int, `add` int, sql_mode int);"],
    [
      "mariadb",
      "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = LAST_INSERT_ID(), @c = ROW_COUNT();",
    ],
    ["mariadb", "INSERT INTO a VALUES ('@b', '@@identity', 'LAST_INSERT_ID()', 'migration_history');"],
    ["mariadb", "SELECT last_insert_id, `row_count` FROM a;"],
    ["mariadb", "ALTER TABLE a ADD PARTITION IF NOT EXISTS (PARTITION p VALUES LESS THAN (3));"],
    ["mariadb", "RENAME TABLE IF EXISTS a TO b, c TO d;"],
    ["mariadb", "CREATE TABLE IF NOT EXISTS a (\n  delimiter_id int, load_file int, previous int\n);"],
    ["postgres", "SET LOCAL timezone = 'UTC';"],
    ["postgres", "SELECT currval('a');"],
    ["postgres", "COMMENT ON TABLE a IS 'migration_history';"],
    ["mariadb", "CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT definer = 1 AS x FROM a;"],
    [
      "mariadb",
      "ALTER TABLE a CHANGE IF EXISTS b c int, RENAME COLUMN IF EXISTS d TO e, RENAME INDEX IF EXISTS f TO g;",
    ],
    ["mariadb", "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 'INTO OUTFILE';"],
    ["mariadb", "DROP TABLES IF EXISTS a, b;"],
  ])("%s: %s", (engine, sql) => {
    expect(faults(`${sql}\n`, engine)).toEqual([]);
  });
});
