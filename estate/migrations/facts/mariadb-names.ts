/** Behind these a table, a routine or a sequence is named. */
const NAMES = new Set([
  ...[
    "INTO",
    "INSERT",
    "REPLACE",
    "IGNORE",
    "LOW_PRIORITY",
    "HIGH_PRIORITY",
    "DELAYED",
    "UPDATE",
    "TRUNCATE",
  ],
  ...["FROM", "JOIN", "STRAIGHT_JOIN", "OJ", "USING", "TABLE", "EXISTS", "REFERENCES", "TO", "CALL", "FOR"],
  ...["VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "SEQUENCE", "LIKE"],
]);
/** With these a list of tables ends. */
const ENDS = new Set([
  "WHERE",
  "SET",
  "VALUES",
  "VALUE",
  "ON",
  "GROUP",
  "ORDER",
  "HAVING",
  "LIMIT",
  "SELECT",
]);
/** Of these functions FROM is a part. */
const WITH_FROM = /^(?:EXTRACT|TRIM|SUBSTRING|SUBSTR|OVERLAY)$/;
const MADE_ON = /^(?:CREATE|DROP)\b.*?\b(?:TRIGGER|INDEX)\b/;

/**
 * A database that a statement names before a table or routine; undefined: none. The account that migrates has rights on every
 * database of its server. Before a dot stands a table or an alias, which the statement names without a dot, too, or a row of a
 * trigger; where a table is named, and before a second dot or a call, it can only be a database.
 */
export function databaseNamed(words: readonly string[]): string | undefined {
  const tables = new Places(words);
  const alone = new Set(
    words.filter((_word, at) => words[at + 1] !== "." && ![".", "@"].includes(words[at - 1] ?? "")),
  );
  for (const [at, word] of words.entries()) {
    const table = tables.next(word, at);
    if (
      words[at + 1] !== "." ||
      [".", "@"].includes(words[at - 1] ?? "") ||
      !/^[`A-Z_$\u0080-\uffff]/.test(word)
    )
      continue;
    if (table || [".", "("].includes(words[at + 3] ?? "") || !(alone.has(word) || /^(?:NEW|OLD)$/.test(word)))
      return word.toLowerCase();
  }
  return undefined;
}

/** Where a table is named, word by word. */
class Places {
  /** Of each parenthesis: what it is behind, and whether a list of tables is open. */
  private readonly open: { behind: string; list: boolean }[] = [{ behind: "", list: false }];
  private readonly madeOn: number;

  constructor(private readonly words: readonly string[]) {
    const made = MADE_ON.test(words.slice(0, 12).join(" "));
    this.madeOn = made ? words.indexOf("ON") : -1;
  }

  next(word: string, at: number): boolean {
    const before = this.words[at - 1] ?? "";
    const here = this.open.at(-1);
    const table =
      at > 0 &&
      (at - 1 === this.madeOn || (before === "," && here?.list === true) || this.isBehind(before, at));
    if (word === "(") {
      const inner = here?.list === true && (NAMES.has(before) || before === "," || before === "(");
      this.open.push({ behind: before, list: inner });
    } else if (word === ")" && this.open.length > 1) this.open.pop();
    else if (here && ENDS.has(word)) here.list = false;
    else if (here && NAMES.has(word) && !this.isPart(word, at)) here.list = true;
    return table || (before === "(" && here?.list === true);
  }

  private isBehind(before: string, at: number): boolean {
    return NAMES.has(before) && !this.isPart(before, at - 1);
  }

  /** Of a function, of a comparison, or of ON DUPLICATE KEY UPDATE. */
  private isPart(word: string, at: number): boolean {
    if (word === "FROM") return WITH_FROM.test(this.open.at(-1)?.behind ?? "");
    if (word === "LIKE") return this.words[0] !== "CREATE";
    return word === "UPDATE" && this.words[at - 1] === "KEY";
  }
}
