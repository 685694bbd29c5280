import { isUtf8 } from "node:buffer";

/** A fault of a file's text. */
export interface TextFault {
  /** From 1. */
  line: number;
  message: string;
}

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [
  [0xfe, 0xff],
  [0xff, 0xfe],
];
const LINE_FEED = 0x0a;
/** Of a file in another encoding every second line may be at fault. */
const MOST_LINES = 5;

/**
 * What a file says, lines ended by LF whatever its editor ended them with; `faults`: why it cannot be read. A client would
 * replace, skip or stop at what is refused here, and something else than was reviewed would run.
 */
export function readText(content: string | Uint8Array): { text: string; faults: TextFault[] } {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
  const refuse = (...faults: TextFault[]) => ({ text: "", faults });
  const begins = (mark: readonly number[]) => mark.every((byte, index) => bytes[index] === byte);
  if (UTF16_MARKS.some(begins)) return refuse({ line: 1, message: "is UTF-16: save it as UTF-8" });
  if (begins(UTF8_MARK)) {
    return refuse({ line: 1, message: "begins with a byte order mark: save it as UTF-8 without one" });
  }
  const none = bytes.indexOf(0);
  if (none !== -1) {
    return refuse({ line: lineAt(bytes, none), message: "holds a NUL byte: save it as UTF-8, without any" });
  }
  if (!isUtf8(bytes)) {
    return refuse(
      ...notUtf8(bytes).map((line) => ({ line, message: "is not UTF-8: save the file as UTF-8" })),
    );
  }
  const text = bytes.toString("utf8").replaceAll("\r\n", "\n");
  const alone = text.indexOf("\r");
  if (alone !== -1) {
    const message =
      "a carriage return without a line feed ends a line for some readers only: end lines by a line feed";
    return refuse({ line: text.slice(0, alone).split("\n").length, message });
  }
  return { text, faults: [] };
}

function lineAt(bytes: Buffer, offset: number): number {
  return bytes.subarray(0, offset).filter((byte) => byte === LINE_FEED).length + 1;
}

/** The first lines that no UTF-8 is in; a line feed is one byte there and no part of another character. */
function notUtf8(bytes: Buffer): number[] {
  const lines: number[] = [];
  for (let [line, from] = [1, 0]; from < bytes.length && lines.length < MOST_LINES; line++) {
    const end = bytes.indexOf(LINE_FEED, from);
    const next = end === -1 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(from, next))) lines.push(line);
    from = next;
  }
  return lines;
}
