import { unmoving } from "../../connect/words";

/** What a host, a service or the bucket said, on one or more lines: nothing in it moves a terminal. */
export function printable(text: string): string {
  return unmoving(text.slice(0, 4_000));
}

/** The same on one line, where a second one would pass for ours. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "?");
}

/** Of what a command prints, whoever said it: all but ends of lines, tabs, our own colours, and the line of a progress begun anew. */
export function harmless(text: string): string {
  const begun = text.startsWith(ANEW) ? ANEW : "";
  return (
    begun +
    text
      .slice(begun.length)
      .split(COLOUR)
      .map((part, at) => (at % 2 === 1 ? part : unmoving(part)))
      .join("")
  );
}

const ESCAPE = "\u001b";
/** How a line of progress begins, or is taken away (progress.ts). */
export const ANEW = `\r${ESCAPE}[K`;
/** Those of painter (table.ts), which do no more than paint. Caught, so that a split keeps them. */
const COLOUR = new RegExp(`(${ESCAPE}\\[(?:31|32|39)m)`);
