import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../../connect/host-script";

/** Scripts of components/scripts, by file name without extension. */
export type ScriptName = "install-packages" | "mariadb" | "postgres";

export interface HostScript {
  /** Run one after the other in one shell. */
  scripts: readonly ScriptName[];
  /** Shell variables the scripts need. Never a secret: they show in the process list; secrets go through stdin. */
  variables: Readonly<Record<string, string>>;
  /** SSH user; anyone but root runs the script through `sudo -n`. */
  user: string;
}

/**
 * One command line that runs the scripts on a host. Standard input stays free for secrets.
 * Bash with `-euo pipefail`: the first failing step ends it with its exit code.
 */
export function hostCommand({ scripts, variables, user }: HostScript): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  const text = [...assignments, ...scripts.map(read)].join("\n");
  return `${user === "root" ? "" : "sudo -n "}env LC_ALL=C.UTF-8 bash -euo pipefail -c ${quote(text)}`;
}

export { quote } from "../../connect/host-script";

function read(name: ScriptName): string {
  return readFileSync(join(__dirname, "..", "scripts", `${name}.sh`), "utf8");
}
