import { describe, expect, it } from "vitest";
import { FaultyEstate } from "../../../estate/faults";
import { checkMigrations } from "../../../estate/migrations/read";
import type { Engine } from "../../../estate/types";

const ENGINES: Engine[] = ["postgres", "mariadb"];

/** Faults of one file beside a sound one, as `line: what`. */
function faults(up: string | Uint8Array, engine: Engine): string[] {
  try {
    checkMigrations({ name: "db", engine }, { "0001_a.up.sql": up, "0001_a.down.sql": "DELETE FROM a;\n" });
    return [];
  } catch (error) {
    if (!(error instanceof FaultyEstate)) throw error;
    return error.faults.map(({ path, fix }) => `${path.replace("sql/db/0001_a.up.sql:", "")}: ${fix}`);
  }
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const joined = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));

describe.each(ENGINES)("the bytes of a %s file", (engine) => {
  it.each<[string, Uint8Array, string[]]>([
    ["Latin-1", latin1("INSERT INTO a VALUES (1, 'Österreich');\n"), ["1: is not UTF-8"]],
    [
      "Latin-1 in later lines",
      latin1("SELECT 1;\nSELECT 'é';\nSELECT 2;\nSELECT 'ü';\n"),
      ["2: is not", "4: is not"],
    ],
    ["an overlong /", joined("SELECT 1;\n-- ", [0xc0, 0xaf], "\n"), ["2: is not UTF-8"]],
    ["half of a surrogate pair", joined("SELECT '", [0xed, 0xa0, 0x80], "';\n"), ["1: is not UTF-8"]],
    ["a character cut off", joined("SELECT 1; -- ", [0xe2, 0x82]), ["1: is not UTF-8"]],
    ["UTF-16, little end first", joined([0xff, 0xfe], [0x53, 0, 0x3b, 0]), ["1: is UTF-16"]],
    ["UTF-16, big end first", joined([0xfe, 0xff], [0, 0x53, 0, 0x3b]), ["1: is UTF-16"]],
    ["UTF-16 without a mark", Buffer.from("SELECT 1;\n", "utf16le"), ["1: holds a NUL byte"]],
    ["NUL", joined("SELECT 1;\nSELECT 'a", [0], "b';\n"), ["2: holds a NUL byte"]],
    ["a byte order mark", joined([0xef, 0xbb, 0xbf], "SELECT 1;\n"), ["1: begins with a byte order mark"]],
    ["a lone carriage return", joined("SELECT 1;\n-- a\rDROP TABLE b;\n"), ["2: a carriage return without"]],
  ])("refused with its line: %s", (_what, bytes, expected) => {
    const found = faults(bytes, engine);
    expect(found.map((fault, index) => fault.slice(0, expected[index]?.length))).toEqual(expected);
  });

  it("CRLF is LF, in what runs too", () => {
    const text = "SELECT 'a\nb';\nSELECT 2;\n";
    const statements = (up: string) =>
      checkMigrations({ name: "db", engine }, { "0001_a.up.sql": up, "0001_a.down.sql": "SELECT 1;" })
        .migrations[0]?.up;
    expect(statements(text.replaceAll("\n", "\r\n"))).toEqual(statements(text));
  });

  it("a no-break space is a letter to the server and no blank", () => {
    const set = checkMigrations(
      { name: "db", engine },
      { "0001_a.up.sql": "SELECT 1 AS a\u00a0;\n", "0001_a.down.sql": "SELECT 1;" },
    );
    expect(set.migrations[0]?.up.statements[0]?.text).toBe("SELECT 1 AS a\u00a0");
  });

  it.each([
    ["a literal of 8 MB", (text: string) => `INSERT INTO a VALUES ('${text}');\n`],
    ["8 MB of escapes", (text: string) => `INSERT INTO a VALUES (E'${text.replaceAll("xx", "\\'")}');\n`],
    [
      "8 MB of doubled quotes",
      (text: string) => `INSERT INTO a VALUES ('${text.replaceAll("xx", "''")}');\n`,
    ],
    ["a comment of 8 MB", (text: string) => `SELECT 1 /*${text}*/;\n`],
    ["a name of 8 MB", (text: string) => `SELECT ${text};\n`],
    ["blanks of 8 MB", (text: string) => `SELECT 1;${text.replaceAll("x", " ")}\n`],
  ])("%s is read", (_what, make) => {
    expect(faults(make("x".repeat(8 << 20)), engine)).toEqual([]);
  });

  it("50,000 statements take a few times what 12,500 do, not their square", () => {
    const cpu = (count: number) => {
      const text = Array.from(
        { length: count },
        (_, id) => `INSERT INTO a VALUES (${id}, 'name ${id}, a note');`,
      );
      const before = process.cpuUsage();
      expect(faults(text.join("\n"), engine)).toEqual([]);
      return process.cpuUsage(before).user / 1000;
    };
    cpu(2_000);
    const [few, many] = [cpu(12_500), cpu(50_000)];
    expect(many).toBeLessThan(few * 8 + 500);
  }, 60_000);
});
