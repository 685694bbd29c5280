/** A place in a shell file where a value is pasted into a statement. */
export interface Paste {
  line: number;
  text: string;
}

/** How a statement begins. */
const VERB =
  /(?:^|[;'"`(\s])(?:SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|GRANT|REVOKE|RENAME|TRUNCATE|SET|CALL|EXECUTE|COPY|SHOW|KILL|LOCK|FLUSH|ANALYZE|COMMENT|REASSIGN|USE)\s+\S/;

/** Commands that quote, or give what was checked: a name as a pattern of GRANT, and an expression that quotes a name. */
const HARMLESS = /^(?:pattern_of|q) /;

/** `# Pasted: LIVE SCRATCH`: variables of that file that hold constants, or names that `declared_name` has let through. */
const DECLARED = /^ *# Pasted(?:, each checked or constant)?: ([\w ]+)$/gm;

/**
 * Finds SQL in double quotes, or in a here-document whose end is not quoted, in which the shell replaces something. Values go to a
 * statement as a client's variables (`-v name=value` and `:'name'`), on standard input, or as digits of `hex_of`.
 */
export function pastedSql(script: string): Paste[] {
  const declared = [...script.matchAll(DECLARED)].flatMap(([, names = ""]) => names.split(" "));
  const [documents, rest] = hereDocuments(script);
  const found = [...doubleQuoted(rest), ...documents];
  return found.filter(({ text }) => {
    const left = text
      .replace(/\\\\/g, "")
      .replace(/(?<!\\)\$(?:(\w+)|\{(\w+)\})/g, (whole, plain, braced) =>
        declared.includes(plain ?? braced) ? "" : whole,
      );
    return VERB.test(text) && /(?<!\\)(?:\$[\w{(]|`)/.test(left);
  });
}

function* doubleQuoted(script: string): Generator<Paste> {
  let at = 0;
  let line = 1;
  while (at < script.length) {
    const char = script[at] ?? "";
    if (char === "\n") line++;
    if (char === "\\") {
      at += 2;
    } else if (char === "#" && /(^|\s)$/.test(script.slice(at - 1, at))) {
      at = endOf(script, "\n", at);
    } else if (char === "'") {
      const end = endOf(script, "'", at + 1);
      line += linesIn(script.slice(at, end));
      at = end + 1;
    } else if (char === '"') {
      const end = endOfDouble(script, at + 1);
      const text = script.slice(at + 1, end);
      const [outside, inside] = withoutCommands(text);
      yield { line, text: outside };
      for (const command of inside) yield* [...doubleQuoted(command)].map((paste) => ({ ...paste, line }));
      line += linesIn(text);
      at = end + 1;
    } else {
      at++;
    }
  }
}

/** The string with `$(...)` for each command in it, and those commands. */
function withoutCommands(text: string): [outside: string, inside: string[]] {
  const inside: string[] = [];
  let outside = "";
  for (let at = 0; at < text.length; at++) {
    if (!text.startsWith("$(", at) || text[at - 1] === "\\") {
      outside += text[at];
      continue;
    }
    let depth = 0;
    let end = at + 1;
    do {
      if (text[end] === "(") depth++;
      if (text[end] === ")") depth--;
      end++;
    } while (depth > 0 && end < text.length);
    const command = text.slice(at + 2, end - 1);
    inside.push(command);
    outside += HARMLESS.test(command) ? "" : "$(...)";
    at = end - 1;
  }
  return [outside, inside];
}

/** Of an expansion in the string, `"... $(command "...") ..."`, the inner quotes are its own. */
function endOfDouble(script: string, from: number): number {
  let depth = 0;
  for (let at = from; at < script.length; at++) {
    if (script[at] === "\\") at++;
    else if (script[at] === "(" && (depth > 0 || script[at - 1] === "$")) depth++;
    else if (script[at] === ")" && depth > 0) depth--;
    else if (script[at] === '"' && depth === 0) return at;
  }
  return script.length;
}

/** Those in which the shell replaces something, and the script without any. */
function hereDocuments(script: string): [documents: Paste[], rest: string] {
  const lines = script.split("\n");
  const documents: Paste[] = [];
  for (let at = 0; at < lines.length; at++) {
    const here = /(?<!<)<<-?\s*(['"\\]?)(\w+)\1/.exec(lines[at] ?? "");
    if (!here) continue;
    const first = at + 1;
    while (at + 1 < lines.length && (lines[at + 1] ?? "").trim() !== here[2]) at++;
    const text = lines.slice(first, at + 1).join("\n");
    if (here[1] === "") documents.push({ line: first + 1, text: withoutCommands(text)[0] });
    lines.fill("", first, at + 1);
  }
  return [documents, lines.join("\n")];
}

const linesIn = (text: string) => text.split("\n").length - 1;

function endOf(script: string, what: string, from: number): number {
  const end = script.indexOf(what, from);
  return end === -1 ? script.length : end;
}
