/** One rule of pg_hba.conf as the server reads it. */
export interface HbaRule {
  line: number;
  type: string;
  databases: string[];
  users: string[];
  /** Empty for `local`. */
  source: string;
  method: string;
  options: string[];
}

export interface Hba {
  rules: HbaRule[];
  faults: string[];
}

const NETMASK = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * The file as the server reads it: blanks at the beginning count for nothing, a backslash at the end of a line goes on with
 * the next, words may stand in quotes, and lists are joined by commas.
 */
export function parseHba(text: string): Hba {
  const hba: Hba = { rules: [], faults: [] };
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let content = ended(lines[index]);
    while (content.endsWith("\\")) {
      index += 1;
      content = content.slice(0, -1) + ended(lines[index]);
    }
    const fields = fieldsOf(content);
    if (fields.length === 0) continue;
    const [[type = ""] = [], databases = [], users = [], ...rest] = fields;
    if (/^include(?:_if_exists|_dir)?$/i.test(type) || fields.flat().some((word) => word.startsWith("@"))) {
      hba.faults.push(`line ${line} includes other files, which nobody judged`);
      continue;
    }
    const words = rest.map((field) => field.join(","));
    const source = type === "local" ? "" : (words.shift() ?? "");
    if (type !== "local" && NETMASK.test(words[0] ?? "")) {
      hba.faults.push(`line ${line} has a netmask. Write the source as a range, 203.0.113.11/32`);
      words.shift();
    }
    const [method = "", ...options] = words;
    hba.rules.push({ line, type, databases, users, source, method, options });
  }
  return hba;
}

/** A line may end as Windows ends it. */
function ended(line = ""): string {
  return line.replace(/\r+$/, "");
}

/**
 * Fields are divided by blanks, and the words of one by commas that follow at once: a comma behind a blank counts for nothing.
 * What is in quotes belongs to the word it touches. Blanks are those that PostgreSQL knows, and no others.
 */
function fieldsOf(content: string): string[][] {
  const fields: string[][] = [];
  let goesOn = false;
  const tokens = /[ \t\r,]*((?:"(?:[^"]|"")*(?:"|$)|[^ \t\r,#"])+)(,)?|[ \t\r,]*(?:#.*)?$/gs;
  for (const [, word, comma] of content.matchAll(tokens)) {
    if (word === undefined) break;
    const text = word.replace(/"((?:[^"]|"")*)(?:"|$)/g, (_all, quoted: string) =>
      quoted.replaceAll('""', '"'),
    );
    if (goesOn && fields.length > 0) fields.at(-1)?.push(text);
    else fields.push([text]);
    goesOn = comma !== undefined;
  }
  return fields;
}
