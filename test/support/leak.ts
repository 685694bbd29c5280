import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Something that was written or shown somewhere, and where. */
export interface Place {
  where: string;
  text: string;
}

/**
 * Where a secret shows: `place: name (form)`, never the secret itself. Forms: in clear, in base64 at any offset of a longer
 * text, in hex. `secrets` are by name and at least 12 characters long.
 */
export function findLeaks(places: readonly Place[], secrets: ReadonlyMap<string, string>): string[] {
  const forms = [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).map(([form, text]) => ({ name, form, text })),
  );
  return places.flatMap(({ where, text }) =>
    forms.filter((form) => text.includes(form.text)).map(({ name, form }) => `${where}: ${name} (${form})`),
  );
}

/**
 * Lines of a private key's own bytes in a PEM text: a state or a plan writes the text's line feeds in another way, and what stands in
 * one line stays as it is. The first begins as every key of its kind does, and ends with the secret's own bytes.
 */
export function privateKeyLines(pem: string): string[] {
  const [, body = ""] = /-----BEGIN PRIVATE KEY-----\n([^-]+)-----END/.exec(pem) ?? [];
  const lines = body.split("\n").filter((line) => line.length >= 32);
  if (lines.length === 0) throw new Error("there is no private key in this text");
  return lines;
}

function formsOf(secret: string): [form: string, text: string][] {
  if (secret.length < 12) throw new Error("a secret this short would be found by chance");
  const bytes = Buffer.from(secret);
  // Base64 turns 3 bytes into 4 characters: the text depends on where in them the secret begins. Ends are cut off.
  const base64 = [0, 1, 2].map((offset): [string, string] => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return ["base64", text.slice(offset === 0 ? 0 : 4, Math.floor((bytes.length + offset) / 3) * 4)];
  });
  return [["in clear", secret], ...base64, ["hex", bytes.toString("hex")]];
}

/** All files below a directory. */
export async function filesBelow(directory: string): Promise<Place[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file) => ({ where: file, text: await readFile(file, "latin1") })));
}

/**
 * Notes the command line and the environment of every process of the machine, those on the lab's hosts included, until it is
 * stopped. A process that lives shorter than the interval may be missed.
 */
export function watchProcesses(intervalMs = 50): { stop(): Promise<Place[]> } {
  const seen = new Set<string>();
  let stopped = false;
  const watch = async () => {
    while (!stopped) {
      for (const pid of await readdir("/proc")) {
        if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
        for (const file of ["cmdline", "environ"]) {
          // It may have ended by now.
          const text = await readFile(`/proc/${pid}/${file}`, "latin1").catch(() => "");
          if (text) seen.add(text);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  };
  const watching = watch();
  return {
    async stop() {
      stopped = true;
      await watching;
      return [...seen].map((text) => ({
        where: `process list: ${text.slice(0, 40).replaceAll("\0", " ")}`,
        text,
      }));
    },
  };
}
