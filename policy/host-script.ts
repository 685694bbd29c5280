/**
 * A command on a host as the program writes it: `[sudo -n ]env LC_ALL=C.UTF-8 bash -euo pipefail -c '<script>'`, the script
 * beginning with its variables, `NAME='value'` each. undefined: it has another form.
 */
export interface HostScript {
  variables: ReadonlyMap<string, string>;
  /** What is run, without the variables. */
  text: string;
}

const SHELL = /^(?:sudo -n )?env LC_ALL=C\.UTF-8 bash -euo pipefail -c (.*)$/s;
const QUOTED = /^'((?:[^']|'\\'')*)'$/s;
const ASSIGNMENT = /^([A-Z][A-Z_]*)='((?:[^']|'\\'')*)'\n/;

export function parseHostScript(command: string): HostScript | undefined {
  const [, word = ""] = SHELL.exec(command) ?? [];
  const [, inner] = QUOTED.exec(word) ?? [];
  if (inner === undefined) return undefined;
  let text = unquoted(inner);
  const variables = new Map<string, string>();
  for (let found = ASSIGNMENT.exec(text); found; found = ASSIGNMENT.exec(text)) {
    const [all, name = "", value = ""] = found;
    if (variables.has(name)) return undefined;
    variables.set(name, unquoted(value));
    text = text.slice(all.length);
  }
  return { variables, text };
}

/** How a quote is written within quotes. */
function unquoted(text: string): string {
  return text.replaceAll("'\\''", "'");
}
