import { SERVER_SETTINGS } from "./kinds";
import type { Properties } from "./plain";

/**
 * What a resource writes to a host, as far as it is known. Of settings, their files. Of a command, the values of its shell
 * variables, each as the shell will see it and on lines of its own (a configuration file that is handed over is one of
 * them), then what it runs.
 */
export function hostText(type: string, props: Properties): string {
  const texts = (names: string[]) =>
    names.map((name) => props[name]).filter((text) => typeof text === "string");
  if (type === SERVER_SETTINGS) return texts(["configuration", "hba"]).join("\n");
  return texts(["create", "update", "delete"])
    .map((text) => {
      const script = unquoted(text);
      const values = [...script.matchAll(/\b[A-Z_]+='((?:[^']|'\\'')*)'/g)].map(([, value = ""]) =>
        unquoted(value),
      );
      return [...values, script].join("\n");
    })
    .join("\n");
}

/** How a quote is written within quotes. */
function unquoted(text: string): string {
  return text.replaceAll("'\\''", "'");
}
