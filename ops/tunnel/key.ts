import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { failed } from "../exit";
import { runtimeDirectory } from "./private-directory";

export interface KeyFile {
  /** undefined: neither variable is set, ssh asks the agent. */
  file: string | undefined;
  /** Takes a temporary file away; ssh reads its key at login only. Idempotent. */
  remove(): void;
}

/** The SSH key as a file: SSH_PRIVATE_KEY_FILE as it is, SSH_PRIVATE_KEY (its text) by way of a 0600 file. */
export function provideKey(env: NodeJS.ProcessEnv, cwd: string): KeyFile {
  if (env.SSH_PRIVATE_KEY_FILE) return keyFromFile(path.resolve(cwd, env.SSH_PRIVATE_KEY_FILE));
  if (env.SSH_PRIVATE_KEY) return keyFromText(env.SSH_PRIVATE_KEY, env);
  return { file: undefined, remove: () => {} };
}

function keyFromFile(file: string): KeyFile {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw failed(`SSH_PRIVATE_KEY_FILE is ${file}, where no file is. Name the private key's file`);
  }
  return { file, remove: () => {} };
}

function keyFromText(text: string, env: NodeJS.ProcessEnv): KeyFile {
  if (!text.includes("PRIVATE KEY-----")) {
    throw failed(
      "SSH_PRIVATE_KEY holds no private key. It takes the key's text; a file's name goes to SSH_PRIVATE_KEY_FILE",
    );
  }
  const directory = mkdtempSync(path.join(runtimeDirectory(env), "key-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const file = path.join(directory, "id");
  try {
    // OpenSSH refuses a key whose last line has no end; CI variables often lose it, or carry Windows line ends.
    writeFileSync(file, `${text.replaceAll("\r\n", "\n").trimEnd()}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    remove();
    throw error;
  }
  return { file, remove };
}
