/** What a statement in a trigger or a routine may begin with. */
const LISTED = /^(?:INSERT|REPLACE|UPDATE|DELETE|SELECT|WITH|SET|RETURN|SIGNAL)$/;
/** Words that steer, and do nothing themselves. Behind some of them another statement begins. */
const STEERING =
  /^(?:BEGIN|END|IF|ELSEIF|ELSE|CASE|WHEN|WHILE|LOOP|REPEAT|UNTIL|FOR|LEAVE|ITERATE|DECLARE|OPEN|FETCH|CLOSE|RESIGNAL|GET|;)$/;
const OPENING = /^(?:BEGIN|THEN|ELSE|DO|LOOP|REPEAT)$/;
/** Words that a statement can begin with, and that are none of a routine's type or characteristics. */
const STARTS =
  /^(?:BEGIN|INSERT|REPLACE|UPDATE|DELETE|SELECT|WITH|IF|CASE|WHILE|LOOP|REPEAT|FOR|RETURN|SIGNAL|RESIGNAL|SET|GRANT|REVOKE|CREATE|ALTER|DROP|KILL|LOAD|CALL|DO|FLUSH|INSTALL|UNINSTALL|LOCK|TRUNCATE|RENAME|ANALYZE|OPTIMIZE|EXECUTE|PREPARE|SHOW|RESET|CHANGE|START|STOP|ROLLBACK|COMMIT)$/;
/** Its own variables, and columns of the row. */
const OWN = /^(?:@\w+|[A-Z_]\w*)$/;
/** A trigger works as who made it, the admin, who may set more. */
const NOT_ITS_OWN =
  /^(?:GLOBAL|SESSION|LOCAL|PERSIST|PASSWORD|ROLE|DEFAULT|STATEMENT|TRANSACTION|NAMES|CHARACTER|CHARSET)$/;

/** What the body of a trigger or a routine does that it may not. */
export function* bodyFaults(head: string, words: readonly string[]): Iterable<string> {
  const made = /^CREATE (?:OR REPLACE )?(TRIGGER|PROCEDURE|FUNCTION)\b/.exec(head)?.[1];
  if (made === undefined) return;
  const where = `in a ${made.toLowerCase()}`;
  for (const statement of statementsOf(words.slice(bodyOf(made, words)))) {
    const [first = "nothing", ...rest] = statement;
    if (!LISTED.test(first)) yield `${first} ${where}`;
    for (const set of first === "SET" ? settings(rest) : []) {
      if (!OWN.test(set) || NOT_ITS_OWN.test(set)) yield `SET ${set} ${where}`;
    }
  }
}

/** Each statement that does something, without those that steer. A body without a word is one with nothing. */
function statementsOf(body: readonly string[]): string[][] {
  const statements: string[][] = [];
  const depth = depths(body);
  let at = 0;
  if (body.length === 0) return [[]];
  while (at < body.length) {
    if (body[at + 1] === ":") {
      at += 2;
    } else if (STEERING.test(body[at] ?? "")) {
      at = behindSteering(body, depth, at);
    } else {
      const ends = body.findIndex((word, index) => index >= at && word === ";");
      const end = ends < 0 ? body.length : ends;
      statements.push(body.slice(at, end));
      at = end + 1;
    }
  }
  return statements;
}

/** Where the next statement begins. */
function behindSteering(body: readonly string[], depth: readonly number[], at: number): number {
  if (OPENING.test(body[at] ?? "") || body[at] === ";") return at + 1;
  const handler = body[at] === "DECLARE" && body[at + 2] === "HANDLER";
  for (let next = at + 1; next < body.length; next++) {
    const word = body[next] ?? "";
    if (word === ";") return next + 1;
    if (handler ? next > at + 3 && STARTS.test(word) : OPENING.test(word) && depth[next] === depth[at]) {
      return handler ? next : next + 1;
    }
  }
  return body.length;
}

/** Behind FOR EACH ROW, or behind the arguments of a routine and what is said of it. */
function bodyOf(made: string, words: readonly string[]): number {
  if (made === "TRIGGER") {
    const row = words.findIndex((word, at) => word === "ROW" && words[at - 1] === "EACH") + 1;
    return /^(?:FOLLOWS|PRECEDES)$/.test(words[row] ?? "") ? row + 2 : row;
  }
  const end = depths(words).findIndex((depth, at) => depth === 0 && words[at] === ")");
  return words.findIndex((word, at) => at > end && STARTS.test(word));
}

/** What each assignment is made to: `a = f(b, c), @d = 1` -> `a`, `@d`. */
function settings(words: readonly string[]): string[] {
  const depth = depths(words);
  return words.flatMap((word, at) => {
    const begins = at === 0 || (words[at - 1] === "," && depth[at - 1] === 0);
    return begins ? [word === "@" ? word + (words[at + 1] ?? "") : word] : [];
  });
}

/** In how many parentheses each word is; the closing one is out of them again. */
function depths(words: readonly string[]): number[] {
  let depth = 0;
  return words.map((word) => {
    depth += word === "(" ? 1 : word === ")" ? -1 : 0;
    return depth;
  });
}
