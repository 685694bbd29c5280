import { StringDecoder } from "node:string_decoder";

/** Of a line that somebody else wrote; what follows is left out. */
const LONGEST_LINE = 4_000;

/** Cuts a stream into lines as it comes, at a cost that follows its length: a host that was taken over ends no line. */
export function linesOf(tell: (line: string) => void): { take(data: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let begun = "";
  const add = (part: string) => {
    if (begun.length < LONGEST_LINE) begun += part.slice(0, LONGEST_LINE - begun.length);
  };
  const take = (text: string) => {
    const [first = "", ...rest] = text.split("\n");
    add(first);
    for (const next of rest) {
      tell(begun);
      begun = "";
      add(next);
    }
  };
  return {
    take: (data) => take(decoder.write(data)),
    end: () => {
      take(decoder.end());
      if (begun !== "") tell(begun);
      begun = "";
    },
  };
}
