import { statSync } from "node:fs";
import * as path from "node:path";
import { readAnyFile } from "../../components/plans/named-file";
import { failed } from "../exit";

/** The tunnel's own key comes first: with it, what holds the tunnel open has no key of a host. */
const VARIABLES = ["TUNNEL_PRIVATE_KEY", "SSH_PRIVATE_KEY"];

/** Text of the key that the tunnel logs in with; undefined: no variable is set, and the agent is asked. */
export function tunnelKey(env: NodeJS.ProcessEnv, cwd: string): string | undefined {
  for (const name of VARIABLES) {
    const file = env[`${name}_FILE`];
    if (file) return keyFromFile(`${name}_FILE`, path.resolve(cwd, file));
    if (env[name]) return keyFromText(name, env[name]);
  }
  return undefined;
}

function keyFromFile(name: string, file: string): string {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw failed(`${name} is ${file}, where no file is. Name the private key's file`);
  }
  return keyFromText(name, readAnyFile(file));
}

function keyFromText(name: string, text: string): string {
  if (!text.includes("PRIVATE KEY-----")) {
    const other = name.endsWith("_FILE")
      ? "It names the file of a private key"
      : `It takes the key's text; a file's name goes to ${name}_FILE`;
    throw failed(`${name} holds no private key. ${other}`);
  }
  // CI variables often lose the end of the last line, or carry Windows line ends.
  return `${text.replaceAll("\r\n", "\n").trimEnd()}\n`;
}
