import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finished, projectDirectory, run } from "../../support/run";

const agent = path.join(projectDirectory, "components/agent");
const scripts = path.join(projectDirectory, "ops/restore/scripts");
const LIBRARY = ["bounds.sh", "errors.sh", "mariadb-stream.sh", "mariadb-make.sh"];

/** What a service, or whoever writes a backup, gives root to read: nested or enormous, it ends the reader and not the machine. */
describe("hostile text", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), "estate-bounds-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** As a step of a restore reads it, with 200 MiB and seconds in place of gigabytes and minutes; words as a person gets them. */
  async function read(feed: string, reader: string): Promise<Finished & { words: string[] }> {
    const text = [
      "set -euo pipefail",
      ...LIBRARY.map((name) => readFileSync(path.join(agent, name), "utf8")),
      "PARSE_BYTES=$((200 * 1024 * 1024)) PARSE_SECONDS=5",
      `exec 2> >(client_words - >&2)`,
      feed === "" ? reader : `feed() { ${feed}; }\nfeed | ${reader}`,
    ].join("\n");
    const finished = await run("bash", ["-c", text], { cwd: directory });
    return { ...finished, words: finished.stderr.split("\n").filter(Boolean) };
  }
  const many = (what: string, megabytes: number) =>
    `head -c ${megabytes * 1024 * 1024} /dev/zero | tr '\\0' '${what}'`;

  it.each([
    ["code nested deep", `printf -- '-- code '; ${many("[", 1 / 4)}; echo`, "take_code code"],
    [
      "a row beyond measure",
      `printf 'INSERT INTO \`t\` VALUES\\n('; ${many("x", 500)}`,
      "plain_tables games rows made",
    ],
    [
      "a table's text beyond measure",
      `printf 'CREATE TABLE \`t\` ('; ${many("x", 500)}`,
      "plain_tables games rows made",
    ],
    ["a text beyond measure", many("x", 500), "jq -R length"],
    ["a list beyond measure", "", "jq -n '[range(1e9) | . * 2] | length'"],
    ["what takes for ever", "", "jq -n 'last(range(1e12))'"],
  ])(
    "%s ends its reader with one clear error",
    async (_what, feed, reader) => {
      const { code, words } = await read(feed, reader);
      expect(code).not.toBe(0);
      expect(words.join("\n")).toMatch(
        /^(out of memory: what was read here is larger than may be|JSON that is nested too deep|the dump begins with what is no code of ours|what was read here takes more memory or time than it may, and was given up)/,
      );
      expect(words.length).toBeLessThan(4);
    },
    120_000,
  );

  // Newer jq gives such a search up, older jq finds its way.
  it("a trigger whose text leads its reader astray ends it, or is read as it is", async () => {
    const astray = `CREATE DEFINER=\`a\`@\`b\` TRIGGER x ${"/*a*/#b\\\\n".repeat(40)}--\u0001" BEFORE INSERT ON t FOR EACH ROW SET @a = 1`;
    const rows = [
      "object\ttrigger\tx\tt\tBEFORE\tINSERT",
      `x\t\t${astray}\tutf8mb4\tutf8mb4_bin\tutf8mb4_bin`,
      "warnings\t0",
    ];
    const { code, stdout } = await read(
      `printf '%b\\n' '${rows.join("\\n").replaceAll("\t", "\\t").replaceAll("'", "'\\''")}'`,
      'jq -Rc "$CODE_LINES"',
    );
    if (code === 0)
      expect(JSON.parse(stdout)).toMatchObject({ kind: "trigger", name: "x", text: "SET @a = 1" });
  }, 60_000);

  it("a message whose line is as long as a disk is passed on in no time", async () => {
    const line = `printf 'ERROR 1062 (23000) at line 3: Duplicate entry for key a'; ${many("x", 500)}; echo; echo 'ERROR 2013 (HY000) at line 4: Lost connection to server'`;
    const { code, words, stdout } = await read(line, "client_words -");
    expect({ code, words }).toEqual({ code: 0, words: [] });
    expect(stdout).toMatch(/ERROR 2013 \(HY000\) at line 4: Lost connection to server\n$/);
  }, 60_000);
});

describe("readers of others' texts", () => {
  const files = [agent, scripts].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".sh"))
      .map((name) => path.join(folder, name)),
  );

  // As a function of bounds.sh each is bounded; by way of another program it is not.
  it.each(files.map((file) => [path.relative(projectDirectory, file), file]))("%s", (name, file) => {
    const text = readFileSync(file, "utf8");
    const unbounded = text
      .split("\n")
      .filter((line) =>
        /(\b(as|env|command|exec|runuser|setpriv|timeout|xargs)\b|\/)[^|]*\b(jq|perl|awk)\b -/.test(line),
      )
      .filter((line) => !line.includes("confined"));
    expect(name.endsWith("bounds.sh") ? [] : unbounded).toEqual([]);
  });
});
