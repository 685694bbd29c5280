import { CANARY_HEX, CANARY_TEXT_HEX } from "./canary";

export const ROWS = 3000;

/** The database that also holds a row of more bytes than a statement may have by the server's defaults. */
const LARGE_ROW_IN = "mo_games";

const LARGE_ROW = `CREATE TABLE drill_large (id int PRIMARY KEY, bytes longblob NOT NULL) ENGINE = InnoDB;
INSERT INTO drill_large VALUES (1, REPEAT(UNHEX('00ff'), 4718592));
`;

/** Keeps its former rows; the server refuses to truncate it. */
export const VERSIONED = "drill_prices";

/** What a shell, a client or a statement put together from names would stumble over. */
const ODD_NAME = "`odd \" \\! '``$(name)`";

/**
 * What an application might make in its database as its own service user: one of each kind of object, and rows with everything
 * that a dump can lose.
 */
export function mariadbApplication(database: string): string {
  return `CREATE TABLE drill_groups (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL, UNIQUE KEY (name))
  ENGINE = InnoDB;
CREATE TABLE drill_rows (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  group_id int unsigned NOT NULL,
  number bigint NOT NULL,
  amount decimal(20, 6) NOT NULL,
  ratio double,
  at datetime(6) NOT NULL,
  stamp timestamp(3) NOT NULL,
  document json,
  flags bit(9),
  bytes varbinary(64) NOT NULL,
  words varchar(200) NOT NULL,
  folded varchar(100) AS (LOWER(LEFT(words, 100))) VIRTUAL,
  KEY drill_rows_folded (folded),
  CONSTRAINT drill_rows_amount_check CHECK (amount >= 0),
  CONSTRAINT drill_rows_group_fkey FOREIGN KEY (group_id) REFERENCES drill_groups (id)
) ENGINE = InnoDB;
CREATE TABLE drill_log (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, row_id bigint unsigned NOT NULL, hash char(64) NOT NULL)
  ENGINE = InnoDB;
CREATE TABLE drill_canary (id int PRIMARY KEY, bytes blob NOT NULL, words longtext NOT NULL) ENGINE = InnoDB;
CREATE TABLE drill_beats (n int PRIMARY KEY, at timestamp(3) NOT NULL DEFAULT current_timestamp(3)) ENGINE = InnoDB;
CREATE SEQUENCE drill_numbers START WITH 1000 INCREMENT BY 7;
CREATE TRIGGER drill_rows_logged AFTER INSERT ON drill_rows FOR EACH ROW
  INSERT INTO drill_log (row_id, hash) VALUES (NEW.id, SHA2(NEW.words, 256));
CREATE SQL SECURITY INVOKER VIEW drill_totals AS
  SELECT g.name, COUNT(*) AS entries, SUM(r.amount) AS amount FROM drill_groups g JOIN drill_rows r ON r.group_id = g.id GROUP BY g.name;
CREATE FUNCTION drill_twice(n bigint) RETURNS bigint DETERMINISTIC RETURN n * 2;
CREATE VIEW drill_names AS SELECT id, name FROM drill_groups;
CREATE VIEW drill_names_twice AS SELECT drill_twice(id) AS twice, name FROM drill_names WHERE name <> '");\\! true #'
  WITH CASCADED CHECK OPTION;
CREATE TABLE drill_tickets (id bigint NOT NULL DEFAULT NEXTVAL(drill_numbers) PRIMARY KEY, ${ODD_NAME} varchar(20))
  ENGINE = InnoDB PARTITION BY KEY (id) PARTITIONS 3;
CREATE TABLE ${VERSIONED} (id int PRIMARY KEY, price decimal(9, 2) NOT NULL) ENGINE = InnoDB WITH SYSTEM VERSIONING;
CREATE PROCEDURE drill_count(OUT entries bigint) SQL SECURITY INVOKER SELECT COUNT(*) INTO entries FROM drill_rows;
INSERT INTO drill_groups (name) SELECT CONCAT('group ', seq) FROM seq_1_to_20;
INSERT INTO drill_rows (group_id, number, amount, ratio, at, stamp, document, flags, bytes, words)
  SELECT 1 + seq MOD 20, NEXTVAL(drill_numbers), seq / 7, IF(seq MOD 50 = 0, NULL, 1 / seq), '2026-01-01' + INTERVAL seq * 1001 MICROSECOND,
    '2026-03-29 00:59:59.999' + INTERVAL seq MINUTE, IF(seq MOD 3 = 0, NULL, JSON_OBJECT('n', seq, 'text', '𝄞')), seq MOD 512,
    UNHEX(SHA2(seq, 512)), CONCAT('Grüße € 𝄞🐘 \\\\ '' " ', seq)
  FROM seq_1_to_${ROWS};
INSERT INTO drill_canary VALUES (1, UNHEX('${CANARY_HEX}'), CONVERT(UNHEX('${CANARY_TEXT_HEX}') USING utf8mb4));
INSERT INTO drill_tickets (${ODD_NAME}) SELECT seq FROM seq_1_to_100;
INSERT INTO ${VERSIONED} SELECT seq, seq FROM seq_1_to_10;
UPDATE ${VERSIONED} SET price = price + 1;
DELETE FROM ${VERSIONED} WHERE id = 10;
${database === LARGE_ROW_IN ? LARGE_ROW : ""}`;
}

/** Takes all of it away. */
export function dropMariadbApplication(database: string): string {
  return `USE \`${database}\`;
DROP PROCEDURE IF EXISTS drill_count;
DROP VIEW IF EXISTS drill_totals, drill_names_twice, drill_names;
DROP FUNCTION IF EXISTS drill_twice;
DROP TABLE IF EXISTS drill_rows, drill_groups, drill_log, drill_canary, drill_beats, drill_tickets, ${VERSIONED}, drill_large;
DROP SEQUENCE IF EXISTS drill_numbers;
`;
}
