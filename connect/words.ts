/** As components/agent/errors.sh has it. */
export const NOT_SHOWN = "the server refused it; its words may hold data and are not shown";

/** Of a message that may hold a row or a secret: that there is one, by its code and the objects that it is about. */
export function notShown(code: string, objects: readonly string[] = []): string {
  return `${NOT_SHOWN} (${[code, ...objects].join(", ")})`;
}

/** What moves a terminal, or shows a text as another one: control and formatting characters, other ends of lines. A name may hold them. */
export const MOVING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line that moves no terminal. */
export function oneLine(text: string): string {
  return text.replace(MOVING, "?").slice(0, 500);
}

/** The same of several lines, in full. */
export function unmoving(text: string): string {
  return text.replace(MOVING, (found) => (/[\n\t]/.test(found) ? found : "?"));
}
