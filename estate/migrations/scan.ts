/** Something begins and never ends. */
export class UnfinishedSql extends Error {
  constructor(
    what: string,
    readonly at: number,
  ) {
    super(`${what} that begins here never ends`);
  }
}

/** What the servers' scanners take for a blank; to JavaScript a no-break space is one too, to them it is a letter. */
export const BLANKS = /[ \t\n\r\f\v]+/y;

const BACKSLASH = 0x5c;

/** The text that a sticky pattern matches at `at`. */
export function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/**
 * Offset behind the quote that ends what begins at `from`; -1: none does. A loop and no pattern, which would go as deep as a
 * literal is long.
 * @param escapes whether a backslash takes the character after it along
 */
export function endOfQuoted(sql: string, from: number, quote: string, escapes: boolean): number {
  const mark = quote.charCodeAt(0);
  for (let at = from; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (code === BACKSLASH && escapes) at++;
    else if (code === mark) {
      if (sql.charCodeAt(at + 1) !== mark) return at + 1;
      at++;
    }
  }
  return -1;
}

/** Offset of the line's end, of the line feed itself or of the text. */
export function endOfLine(sql: string, at: number): number {
  const end = sql.indexOf("\n", at);
  return end === -1 ? sql.length : end;
}

/** Offset behind `mark`, searched from `from` on; -1: it is not there. */
export function behind(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at === -1 ? -1 : at + mark.length;
}

/** Lines of offsets, from 1, in a text that is read many times. */
export function lineNumbers(text: string): (at: number) => number {
  const ends: number[] = [];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) ends.push(end);
  return (at) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
