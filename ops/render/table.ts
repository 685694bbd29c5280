import Table from "cli-table3";

export interface Column<Row> {
  head: string;
  cell(row: Row): string;
  align?: "left" | "right";
}

const none = "";
/** No frame: columns two spaces apart, so that the text can be read, copied and cut by other tools. */
const borderless = {
  top: none,
  "top-mid": none,
  "top-left": none,
  "top-right": none,
  bottom: none,
  "bottom-mid": none,
  "bottom-left": none,
  "bottom-right": none,
  left: none,
  "left-mid": none,
  mid: none,
  "mid-mid": none,
  right: none,
  "right-mid": none,
  middle: "  ",
};

/** A plain table with a head line, newline at the end; no line ends in a blank. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const table = new Table({
    head: columns.map((column) => column.head),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: borderless,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) table.push(columns.map((column) => column.cell(row).replaceAll("\n", "?")));
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** Paints a word, or leaves it as it is where colours are not wanted. */
export function painter(enabled: boolean): { good(text: string): string; bad(text: string): string } {
  const paint = (code: number) => (text: string) => (enabled ? `\u001b[${code}m${text}\u001b[39m` : text);
  return { good: paint(32), bad: paint(31) };
}
