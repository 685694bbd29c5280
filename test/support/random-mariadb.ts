import type { MariadbVersion } from "./engines-mariadb";
import type { Seeded } from "./seeded";

/** Names that applications have made, and some that they might; short enough to be numbered. */
const NAMES = [
  ..."users,order,select,group by,Größe,名前,tab\tname,semi;colon,dot.name,per%cent,under_score,quo'te,dou\"ble".split(
    ",",
  ),
  ..."-- dash,/* star,# hash,$dollar,back\\slash,line\nbreak,ÄÖÜ,MiXeD,0digits,trailing;".split(","),
];

/** A type, and a value of it. */
type Column = [type: string, value: (random: Seeded) => string];

const quoted = (value: string) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
const hex = (random: Seeded, bytes: number) =>
  `x'${Array.from({ length: bytes }, () => random.below(256).toString(16).padStart(2, "0")).join("")}'`;
const TEXTS = [
  "",
  " ",
  "ä𝄞☃",
  "a'b",
  'a"b',
  "a\\nb",
  "\\",
  "a\nb",
  "a\tb",
  "NULL",
  "'); --",
  "\u0000",
  "x\r\ny",
  "%_",
];
const words = (random: Seeded) =>
  quoted(Array.from({ length: random.below(4) }, () => random.pick(TEXTS)).join(random.pick(["", " ", ","])));
const whole = (random: Seeded) => String(random.below(2 ** 31) - 2 ** 30);
const moment = (random: Seeded) =>
  quoted(
    new Date(Date.UTC(1971 + random.below(60), random.below(12), 1 + random.below(28), 3))
      .toISOString()
      .slice(0, 19),
  );

const COLUMNS: Column[] = [
  ["INT", whole],
  ["BIGINT UNSIGNED", (random) => String(random.below(2 ** 32))],
  ["DECIMAL(30,10)", (random) => `${whole(random)}.${random.below(1000)}`],
  ["DOUBLE", (random) => random.pick(["0.1", "1e300", "-2.5e-10", "3"])],
  ["FLOAT", (random) => random.pick(["0.5", "-2.25", "1024"])],
  ["BIT(9)", (random) => `b'${random.below(512).toString(2)}'`],
  ["VARCHAR(80)", words],
  [
    "CHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci",
    (random) => quoted(random.pick(["ä", "x", ""])),
  ],
  ["TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", words],
  ["VARCHAR(60) CHARACTER SET ucs2", (random) => quoted(random.pick(["ä", "名前", ""]))],
  ["LONGTEXT", (random) => `REPEAT(${words(random)}, ${random.below(2000)})`],
  ["LONGBLOB", (random) => `REPEAT(${hex(random, 9)}, ${random.below(5000)})`],
  ["VARBINARY(40)", (random) => hex(random, random.below(40))],
  ["BINARY(8)", (random) => hex(random, 8)],
  ["DATETIME(6)", moment],
  ["TIMESTAMP NULL DEFAULT NULL", moment],
  ["DATE", (random) => random.pick(["'0001-01-01'", "'9999-12-31'", "'2026-02-28'"])],
  ["TIME(3)", (random) => random.pick(["'-838:59:59'", "'00:00:00.001'", "'23:59:59.999'"])],
  ["YEAR", (random) => String(1901 + random.below(250))],
  ["ENUM('a','b''c','','d,e')", (random) => quoted(random.pick(["a", "b'c", "", "d,e"]))],
  ["SET('x','y','z''')", (random) => quoted(random.pick(["", "x,y", "z'"]))],
  ["JSON", (random) => quoted(JSON.stringify({ a: random.pick(TEXTS), n: random.below(9) }))],
  ["UUID", () => "'123e4567-e89b-12d3-a456-426655440000'"],
  ["INET6", () => "'2001:db8::1'"],
  ["POINT", (random) => `POINT(${random.below(90)}, ${random.below(90)})`],
];

interface Table {
  name: string;
  columns: string[];
  /** Whether a foreign key may refer to it: InnoDB in one part. */
  keyed: boolean;
}

/**
 * A database as some application might have made it: tables with rows, keys, checks, generated columns and partitions, sequences, views on
 * each other, routines and triggers. Statements in their order; the server may refuse some of them.
 */
export function randomMariadb(random: Seeded, version: MariadbVersion): string[] {
  const id = (name: string) => `\`${name.replaceAll("`", "``")}\``;
  // MariaDB 10.11 cannot write a ` in a foreign key down: what is refused at the backup has a test of its own.
  const pool = version === "10.11" ? NAMES : [...NAMES, "back`tick"];
  let numbered = 0;
  const name = () => `${random.pick(pool)}${++numbered}`;
  const maybe = (chance: number, text: string) => (random.next() < chance ? text : "");
  const statements = [
    `SET sql_mode = ${quoted(random.pick(["", "STRICT_TRANS_TABLES", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT"]))}`,
  ];
  // Literals are written with \ as an escape.
  if (statements[0]?.includes("NO_BACKSLASH")) statements[0] = "SET sql_mode = 'PIPES_AS_CONCAT'";
  const tables: Table[] = [];
  const sequences: string[] = [];

  for (let at = random.below(2); at > 0; at--) {
    const sequence = name();
    sequences.push(sequence);
    statements.push(
      `CREATE SEQUENCE ${id(sequence)} START WITH ${1 + random.below(9)} INCREMENT BY ${1 + random.below(5)} ${random.pick(["CACHE 3", "NOCACHE", "CYCLE"])}`,
    );
    statements.push(`DO NEXT VALUE FOR ${id(sequence)}`);
  }
  for (let at = 2 + random.below(4); at > 0; at--) {
    const table: Table = { name: name(), columns: [], keyed: false };
    const parts = ["`id` INT NOT NULL AUTO_INCREMENT", "`n` INT DEFAULT 7"];
    const values: ((random: Seeded) => string)[] = [];
    for (let more = 1 + random.below(6); more > 0; more--) {
      const [type, value] = random.pick(COLUMNS);
      const column = name();
      table.columns.push(column);
      values.push((random) => (random.next() < 0.2 ? "NULL" : value(random)));
      parts.push(
        `${id(column)} ${type}${maybe(0.2, ` COMMENT ${words(random)}`)}${maybe(0.1, " INVISIBLE")}`,
      );
    }
    const first = table.columns[0] ?? "id";
    parts.push("PRIMARY KEY (`id`)");
    if (random.next() < 0.4)
      parts.push(
        `${id(name())} INT AS (\`n\` * ${1 + random.below(9)}) ${random.pick(["VIRTUAL", "STORED"])}`,
      );
    if (random.next() < 0.3)
      parts.push(`CONSTRAINT ${id(name())} CHECK (\`n\` <> ${-1 - random.below(9)} OR ${id(first)} IS NULL)`);
    if (random.next() < 0.4) parts.push(`INDEX ${id(name())} (\`id\` DESC)`);
    const sequence = sequences[0];
    if (sequence && random.next() < 0.4)
      parts.push(`${id(name())} BIGINT DEFAULT (NEXT VALUE FOR ${id(sequence)})`);
    const keyed = tables.filter((each) => each.keyed);
    const other = keyed.length > 0 && random.next() < 0.5 ? random.pick(keyed) : undefined;
    const key = name();
    if (other) {
      parts.push(
        `${id(key)} INT`,
        `CONSTRAINT ${id(name())} FOREIGN KEY (${id(key)}) REFERENCES ${id(other.name)} (\`id\`) ${random.pick(["", "ON DELETE CASCADE", "ON UPDATE SET NULL"])}`,
      );
    }
    const versioned = maybe(0.15, " WITH SYSTEM VERSIONING");
    const split =
      other || versioned ? "" : maybe(0.25, ` PARTITION BY HASH (\`id\`) PARTITIONS ${2 + random.below(3)}`);
    const engine = other || split ? "InnoDB" : random.pick(["InnoDB", "InnoDB", "Aria", "MyISAM"]);
    table.keyed = engine === "InnoDB" && split === "" && versioned === "";
    const options = `ENGINE=${engine}${maybe(0.3, ` COMMENT=${words(random)}`)}${maybe(0.3, " DEFAULT CHARSET=latin1")}`;
    statements.push(`CREATE TABLE ${id(table.name)} (${parts.join(", ")}) ${options}${versioned}${split}`);
    const columns = table.columns.map(id).join(", ");
    for (let row = random.below(30); row > 0; row--) {
      statements.push(
        `INSERT INTO ${id(table.name)} (${columns}) VALUES (${values.map((value) => value(random)).join(", ")})`,
      );
    }
    if (versioned) statements.push(`DELETE FROM ${id(table.name)} WHERE \`id\` < 3`);
    tables.push(table);
  }

  const readable = tables.map((table) => table.name);
  for (let at = random.below(4); at > 0; at--) {
    const view = name();
    const from = random.pick(readable);
    const algorithm = random.pick(["UNDEFINED", "MERGE", "TEMPTABLE"]);
    statements.push(
      `CREATE ALGORITHM=${algorithm} SQL SECURITY ${random.pick(["DEFINER", "INVOKER"])} VIEW ${id(view)} AS SELECT \`id\`, ${quoted("it's")} AS ${id("as is")} FROM ${id(from)} WHERE \`id\` > ${random.below(5)}`,
    );
    readable.unshift(view);
  }
  for (let at = random.below(3); at > 0; at--) {
    const table = random.pick(tables);
    statements.push(
      `CREATE ${random.pick(["FUNCTION", "FUNCTION"])} ${id(name())}(a INT) RETURNS INT ${random.pick(["DETERMINISTIC", "READS SQL DATA"])} COMMENT ${words(random)} BEGIN DECLARE n INT DEFAULT 0; SELECT COUNT(*) INTO n FROM ${id(table.name)} WHERE \`id\` > a; RETURN n; END`,
      `CREATE PROCEDURE ${id(name())}(OUT n INT) BEGIN -- ${random.pick(["a comment; DELIMITER //", "it's", "END"])}\n SELECT COUNT(*) INTO n FROM ${id(table.name)}; END`,
    );
  }
  for (const table of tables) {
    if (random.next() < 0.5)
      statements.push(
        `CREATE TRIGGER ${id(name())} ${random.pick(["BEFORE", "AFTER"])} ${random.pick(["INSERT", "UPDATE", "DELETE"])} ON ${id(table.name)} FOR EACH ROW SET @seen = ${words(random)}`,
      );
  }
  return statements;
}
