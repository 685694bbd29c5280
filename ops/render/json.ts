import { MOVING } from "../../connect/words";

/** One JSON document on stdout: two spaces, newline at the end. What would move a terminal is written by its number. */
export function renderJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2).replace(MOVING, (found) =>
    found === "\n" ? found : numbers(found),
  );
  return `${text}\n`;
}

/** Beyond 0xffff it is two. */
function numbers(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
