import type { MariadbVersion } from "./engines-mariadb";

/** Names that are legal and that nobody should ever paste anywhere. */
export const ODD_NAMES = [
  "back`tick",
  "quo'te\"s",
  "new\nline",
  "-- code {}",
  'fk");\\! touch /tmp/owned #',
  "$(touch /tmp/owned)",
  "x\n(1);\nINSERT INTO `t` VALUES\n(1),",
  "tab\tand\\n",
  "ünï ſ ☃",
  " leading",
  "n".repeat(64),
  "mo_games",
  "#; %_",
];

/** Its own part of a trigger, which the server keeps as it was written: with or without quotes. */
export const TRIGGER_HEAD =
  /TRIGGER [`"]?(\w+|FOR EACH ROW)[`"]? ((?:BEFORE|AFTER) \w+) ON [`"]?(\w+)[`"]? FOR (?:\/\* a \*\/ )?EACH ROW/g;

const id = (name: string) => `\`${name.replaceAll("`", "``")}\``;
const text = (value: string) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

/** Statements of an application that uses all of what its grants allow, each by itself, in its own database. */
export function everyObject(version: MariadbVersion): string[] {
  return [
    ...TABLES,
    ...(version === "11.8" ? VECTORS : []),
    ...ODD_NAMES.flatMap((name) => oddTable(name, version)),
    ...VIEWS,
    ...ROUTINES,
    ...TRIGGERS,
    ...ODD_NAMES.flatMap(oddCode),
  ];
}

/** What it selects from has gone since, or does not fit any more. */
export const BROKEN = [
  "CREATE TABLE gone (id INT)",
  "CREATE VIEW broken AS SELECT id FROM gone",
  "CREATE VIEW broken_too AS SELECT id FROM broken",
  "DROP TABLE gone",
  // The server does not even tell these.
  "ALTER TABLE right_side MODIFY b VARCHAR(5) COLLATE utf8mb4_unicode_ci",
  "CREATE VIEW broken_collation AS SELECT a FROM left_side JOIN right_side ON a = b",
  "ALTER TABLE right_side MODIFY b VARCHAR(5) COLLATE utf8mb4_general_ci",
  "CREATE VIEW broken_time AS SELECT x FROM versioned FOR SYSTEM_TIME BETWEEN '2020-01-01' AND NOW()",
];

/** Its table has lost a column since. */
export const BROKEN_TRIGGER = [
  "ALTER TABLE shrunk ADD COLUMN y INT",
  "CREATE TRIGGER of_column BEFORE INSERT ON shrunk FOR EACH ROW SET NEW.x = NEW.y",
  "ALTER TABLE shrunk DROP COLUMN y",
];

const TABLES = [
  "SET NAMES utf8mb4",
  "CREATE SEQUENCE numbers START WITH 10 INCREMENT BY 3 CACHE 5 MAXVALUE 100000 CYCLE",
  "CREATE SEQUENCE `odd``s` NOCACHE",
  "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, txt TEXT COMMENT 'it''s\\na comment; -- \\\\ `x` \"', hidden INT INVISIBLE DEFAULT 5, " +
    "n INT, twice INT AS (n * 2) VIRTUAL, thrice INT AS (n * 3) STORED, j JSON, u UUID DEFAULT uuid(), ip INET6, INDEX (twice), " +
    "CHECK (n < 1000000), CONSTRAINT `ch;'\"` CHECK (txt <> 'a;\\n(b' AND txt <> '`mo_games`.')) COMMENT 'two\\nlines''' ENGINE=InnoDB",
  "INSERT INTO t (id, txt, j, u, ip) VALUES (1, 'a\\n(1),', '{\"a\": 1}', '123e4567-e89b-12d3-a456-426655440000', '::1'), (2, NULL, NULL, NULL, NULL), (7, ');', NULL, NULL, NULL)",
  "DELETE FROM t WHERE id = 7",
  "CREATE TABLE taker (id INT PRIMARY KEY DEFAULT (NEXT VALUE FOR numbers), more INT DEFAULT (nextval(`odd``s`) + 1), s VARCHAR(40) DEFAULT 'nextval(`mo_games`.`x`)')",
  "INSERT INTO taker () VALUES ()",
  "CREATE TABLE parents (a INT, b INT, PRIMARY KEY (a, b)) ENGINE=InnoDB",
  "CREATE TABLE children (id INT PRIMARY KEY, a INT, b INT, me INT, CONSTRAINT `fk'\"` FOREIGN KEY (a, b) REFERENCES parents (a, b) ON DELETE CASCADE, " +
    "CONSTRAINT itself FOREIGN KEY (me) REFERENCES children (id) ON UPDATE CASCADE) ENGINE=InnoDB",
  "INSERT INTO parents VALUES (1, 2)",
  "INSERT INTO children VALUES (1, 1, 2, 1), (2, 1, NULL, 1)",
  "SET foreign_key_checks = 0",
  "CREATE TABLE chicken (id INT PRIMARY KEY, egg INT, CONSTRAINT c FOREIGN KEY (egg) REFERENCES egg (id)) ENGINE=InnoDB",
  "CREATE TABLE egg (id INT PRIMARY KEY, chicken INT, CONSTRAINT e FOREIGN KEY (chicken) REFERENCES chicken (id)) ENGINE=InnoDB",
  "CREATE TABLE orphan (id INT PRIMARY KEY, p INT, CONSTRAINT nobody FOREIGN KEY (p) REFERENCES not_there (id)) ENGINE=InnoDB",
  "SET foreign_key_checks = 1",
  "CREATE TABLE versioned (x INT PRIMARY KEY, y INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING",
  "INSERT INTO versioned VALUES (1, 1), (2, 2)",
  "UPDATE versioned SET x = 3 WHERE x = 1",
  "DELETE FROM versioned WHERE x = 2",
  "CREATE TABLE versioned_by_name (x INT, rs TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, re TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, " +
    "PERIOD FOR SYSTEM_TIME (rs, re)) WITH SYSTEM VERSIONING",
  "INSERT INTO versioned_by_name (x) VALUES (1)",
  "UPDATE versioned_by_name SET x = 2",
  "CREATE TABLE versioned_in_parts (x INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 1000 (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pc CURRENT)",
  "INSERT INTO versioned_in_parts VALUES (1)",
  "UPDATE versioned_in_parts SET x = 2",
  "CREATE TABLE booking (room INT, b DATE, e DATE, PERIOD FOR stay (b, e), PRIMARY KEY (room, stay WITHOUT OVERLAPS))",
  "INSERT INTO booking VALUES (1, '2026-01-01', '2026-02-01'), (1, '2026-02-01', '2026-03-01')",
  "CREATE TABLE by_range (id INT, at DATE) PARTITION BY RANGE (YEAR(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE)",
  "INSERT INTO by_range VALUES (1, '2019-01-01'), (2, '2021-01-01')",
  "CREATE TABLE by_list (k VARCHAR(10)) PARTITION BY LIST COLUMNS (k) (PARTITION `p``0` VALUES IN ('a', 'b''', 'c\\\\'), PARTITION pd DEFAULT)",
  "INSERT INTO by_list VALUES ('a'), ('zz')",
  "CREATE TABLE by_key (id INT PRIMARY KEY) PARTITION BY KEY () PARTITIONS 3",
  "INSERT INTO by_key VALUES (1), (2), (3)",
  "CREATE TABLE searched (id INT PRIMARY KEY, body TEXT, FULLTEXT (body)) ENGINE=InnoDB",
  "INSERT INTO searched VALUES (1, 'needle in a haystack')",
  "CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL, g GEOMETRY, SPATIAL INDEX (p)) ENGINE=InnoDB",
  "INSERT INTO places VALUES (1, POINT(1, 2), ST_GeomFromText('LINESTRING(0 0,1 1)'))",
  ...["MyISAM", "Aria", "MEMORY", "CSV"].flatMap((engine) => [
    `CREATE TABLE in_${engine} (id INT NOT NULL, v VARCHAR(20) NOT NULL) ENGINE=${engine}`,
    `INSERT INTO in_${engine} VALUES (1, 'one'), (2, 'two;\\n')`,
  ]),
  "CREATE TABLE squeezed (id INT PRIMARY KEY, c TEXT COMPRESSED, v VARCHAR(100)) ROW_FORMAT=DYNAMIC PAGE_COMPRESSED=1 ENGINE=InnoDB",
  "INSERT INTO squeezed VALUES (1, REPEAT('abc', 1000), 'v')",
  "CREATE TABLE squeezed_rows (id INT PRIMARY KEY, v TEXT) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 ENGINE=InnoDB",
  "CREATE TABLE sets (l VARCHAR(20) CHARACTER SET latin1, g VARCHAR(20) CHARACTER SET gbk, s VARCHAR(20) CHARACTER SET sjis, u2 VARCHAR(20) CHARACTER SET ucs2, " +
    "u32 VARCHAR(20) CHARACTER SET utf32, u3 VARCHAR(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin, b VARBINARY(20), bits BIT(12), e ENUM('a''b','c\\\\','ü'), st SET('x','y;'), blobs LONGBLOB) CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci",
  "INSERT INTO sets VALUES ('é', '中', 'ｱ表', 'ü', '😀', 'ß', x'00ff0a27', b'101', 'a''b', 'x,y;', x'000a0d1a275c22ff')",
  "SET sql_mode = ''",
  "CREATE TABLE zeros (d DATE DEFAULT '0000-00-00', dt DATETIME(6) DEFAULT '0000-00-00 00:00:00.000000', ts TIMESTAMP NULL, y YEAR, tm TIME(3), n DECIMAL(65,30), f DOUBLE, z INT ZEROFILL)",
  "INSERT INTO zeros VALUES ('0000-00-00', '2026-02-31', '1970-01-01 00:00:01', 0, '-838:59:59.999', -1.000000000000000000000000000001, 1.7976931348623157e308, 7), ('2026-00-00', NULL, NULL, 2155, NULL, NULL, -0.0, 0)",
  "SET sql_mode = DEFAULT",
  "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
  "CREATE TABLE counted (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 18446744073709551000",
  "INSERT INTO counted VALUES (0)",
  "SET sql_mode = DEFAULT",
  "CREATE TABLE nothing (id INT)",
  // One whose rows are those of others.
  "CREATE TABLE merged_1 (id INT NOT NULL, KEY (id)) ENGINE=MyISAM",
  "CREATE TABLE merged_2 (id INT NOT NULL, KEY (id)) ENGINE=MyISAM",
  "INSERT INTO merged_1 VALUES (1), (2)",
  "INSERT INTO merged_2 VALUES (3)",
  "CREATE TABLE all_merged (id INT NOT NULL, KEY (id)) ENGINE=MERGE UNION=(merged_1, merged_2) INSERT_METHOD=LAST",
  // Rows that no CHECK would let in.
  "SET check_constraint_checks = 0",
  "CREATE TABLE unchecked (id INT PRIMARY KEY, n INT CHECK (n > 0), j JSON, CONSTRAINT less CHECK (n < id))",
  "INSERT INTO unchecked VALUES (1, -5, 'not json'), (2, 7, NULL)",
  "SET check_constraint_checks = DEFAULT",
  // A stored column that is refused in another mode of SQL.
  "SET sql_mode = 'NO_UNSIGNED_SUBTRACTION'",
  "CREATE TABLE below_zero (a INT UNSIGNED, b BIGINT AS (a - 10) STORED)",
  "INSERT INTO below_zero (a) VALUES (1), (20)",
  "SET sql_mode = DEFAULT",
  // Of its values, those of f and t are not as a dump tells them.
  "CREATE TABLE inexact (id INT PRIMARY KEY, f FLOAT, whole FLOAT, d DOUBLE, m FLOAT(10, 2), t TEXT CHARACTER SET cp1251, k VARCHAR(9) CHARACTER SET cp1251, l VARCHAR(9) CHARACTER SET latin1)",
  "INSERT INTO inexact VALUES (1, 16777215, 0.5, 0.1e0 + 0.2e0, 1.25, x'98', x'e6', x'8d9d'), (2, 0.1, -1e30, NULL, NULL, NULL, NULL, NULL)",
  "CREATE TABLE left_side (a VARCHAR(5) COLLATE utf8mb4_unicode_ci)",
  "CREATE TABLE right_side (b VARCHAR(5) COLLATE utf8mb4_general_ci)",
  "CREATE TABLE shrunk (id INT, x INT)",
];

const VECTORS = [
  "CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, VECTOR INDEX (v)) ENGINE=InnoDB",
  "INSERT INTO vectors VALUES (1, VEC_FromText('[1, 2, 3]')), (2, VEC_FromText('[0.5, -1, 1e10]'))",
];

function oddTable(name: string, version: MariadbVersion): string[] {
  const column = id(`c ${name}`.slice(0, 64));
  // 10.11 writes a foreign key with a ` in a name so that nobody can read it: see the test of that.
  const key = `, CONSTRAINT ${id(`f ${name}`.slice(0, 60))} FOREIGN KEY (k) REFERENCES ${id(name)} (${column})`;
  return [
    `CREATE TABLE ${id(name)} (${column} INT PRIMARY KEY, k INT, CONSTRAINT ${id(`ch ${name}`.slice(0, 60))} CHECK (k > 0)` +
      `${version === "10.11" && name.includes("`") ? "" : key}) COMMENT ${text(name)} ENGINE=InnoDB`,
    `INSERT INTO ${id(name)} VALUES (1, NULL), (2, 1)`,
  ];
}

function oddCode(name: string): string[] {
  const short = name.slice(0, 58).trimEnd();
  return [
    `CREATE VIEW ${id(`v ${short}`)} AS SELECT * FROM ${id(name)}`,
    `CREATE PROCEDURE ${id(`p ${short}`)} (IN ${id(`a ${short}`)} INT) COMMENT ${text(name)} SELECT ${id(`a ${short}`)}, ${text(name)}`,
    `CREATE TRIGGER ${id(`g ${short}`)} BEFORE INSERT ON ${id(name)} FOR EACH ROW SET NEW.k = NEW.k + 1`,
  ];
}

const VIEWS = [
  "CREATE FUNCTION doubled(a INT) RETURNS INT DETERMINISTIC COMMENT 'it''s' RETURN a * 2",
  "CREATE VIEW v1 AS SELECT id, txt, 'é' AS lit, _latin1'x' AS l1 FROM t",
  // By name before what they need.
  "CREATE VIEW a_on_v AS SELECT * FROM v1",
  "CREATE VIEW a_on_a AS SELECT * FROM a_on_v WHERE id IN (SELECT id FROM v1)",
  "CREATE VIEW of_function AS SELECT doubled(id) AS d FROM t",
  "CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW merged AS SELECT id FROM t WHERE id < 10 WITH LOCAL CHECK OPTION",
  "CREATE ALGORITHM=MERGE VIEW checked (n) AS SELECT id FROM merged WHERE id > 0 WITH CASCADED CHECK OPTION",
  "CREATE ALGORITHM=TEMPTABLE VIEW temporary_one AS SELECT COUNT(*) AS n, MAX(txt) AS `max of ``txt` FROM t GROUP BY id % 2",
  "CREATE VIEW of_schema AS SELECT c.table_name, t.id, '`mo_games`.' AS `mo_games` FROM information_schema.tables c JOIN t ON c.table_name = 't' AND c.table_schema = DATABASE()",
  "CREATE VIEW of_history AS SELECT x FROM versioned FOR SYSTEM_TIME ALL",
  "CREATE VIEW recursed AS WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
  "CREATE VIEW windowed AS SELECT id, ROW_NUMBER() OVER (PARTITION BY txt ORDER BY id) AS rn FROM t",
  "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
  'CREATE VIEW ansi AS SELECT id AS "my id", txt || \'x\' AS "a""b" FROM "t"',
  "SET sql_mode = DEFAULT",
  "SET NAMES latin1",
  "CREATE VIEW of_latin1 AS SELECT 'Ã¼' AS u, id FROM t",
  "SET NAMES utf8mb4",
  "CREATE VIEW of_bytes AS SELECT _latin1 x'e9' AS a, _latin1 x'e9275c0a' AS b, _koi8r x'd6' AS c, _latin1'é' AS d, _binary 'ü' AS e, x'ff' AS f, 'é' AS g, id FROM t",
];

const ROUTINES = [
  "CREATE PROCEDURE looped(IN n INT, OUT r INT, INOUT x VARCHAR(10) CHARACTER SET latin1) MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT 'a\\nb' " +
    "BEGIN DECLARE i INT DEFAULT 0; -- a comment; with 'quote\nl: WHILE i < n DO SET i = i + 1; IF i = 3 THEN LEAVE l; END IF; END WHILE; SET r = i; END",
  "CREATE FUNCTION typed(a ENUM('x','y'), b DECIMAL(10,2)) RETURNS VARCHAR(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NO SQL NOT DETERMINISTIC RETURN CONCAT(a, b)",
  "CREATE AGGREGATE FUNCTION summed(x INT) RETURNS INT BEGIN DECLARE s INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END",
  "CREATE FUNCTION of_typed(t INT) RETURNS TEXT READS SQL DATA RETURN (SELECT txt FROM t WHERE id = t LIMIT 1)",
  "SET sql_mode = ORACLE",
  "CREATE PACKAGE pack AS FUNCTION one RETURN INT; PROCEDURE two(a INT); END",
  "CREATE PACKAGE BODY pack AS x INT := 1; FUNCTION one RETURN INT AS BEGIN RETURN x; END; PROCEDURE two(a INT) AS BEGIN x := a; END; END",
  "CREATE PROCEDURE oracled (a IN INT, b OUT VARCHAR2) AS BEGIN b := 'x' || a; END",
  "SET sql_mode = DEFAULT",
  "SET NAMES latin1",
  "CREATE FUNCTION in_latin1() RETURNS VARCHAR(10) RETURN CONCAT(_latin1'é', 'ü', _utf8mb4 x'c3a9')",
  "SET NAMES utf8mb4",
];

const TRIGGERS = [
  "CREATE TRIGGER second BEFORE INSERT ON t FOR EACH ROW SET NEW.txt = CONCAT(NEW.txt, '2')",
  "CREATE TRIGGER first BEFORE INSERT ON t FOR EACH ROW PRECEDES second SET NEW.txt = CONCAT(NEW.txt, '1')",
  "CREATE TRIGGER third BEFORE INSERT ON t FOR /* a */ EACH ROW FOLLOWS `second` BEGIN IF NEW.id > 100 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'FOR EACH ROW'; END IF; SET NEW.txt = CONCAT(NEW.txt, _latin1'3'); END",
  "CREATE TRIGGER later AFTER UPDATE ON t FOR EACH ROW INSERT INTO nothing VALUES (OLD.id)",
  "CREATE TRIGGER `FOR EACH ROW` AFTER DELETE ON t FOR EACH ROW INSERT INTO nothing SELECT NEXT VALUE FOR numbers",
  "SET sql_mode = 'ANSI_QUOTES'",
  'CREATE TRIGGER ansi_one AFTER INSERT ON "t" FOR EACH ROW INSERT INTO "nothing" VALUES (NEW."id")',
  "SET sql_mode = DEFAULT",
  "SET NAMES latin1",
  "CREATE TRIGGER in_latin BEFORE UPDATE ON t FOR EACH ROW SET NEW.txt = CONCAT(_latin1'Ã©', NEW.txt)",
  "SET NAMES utf8mb4",
];
