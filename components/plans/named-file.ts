import { readFileSync } from "node:fs";

/** Text of a file that `field` names, such as `backup.caBundle`. Errors: it cannot be read. */
export function readNamedFile(field: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${field} is "${file}", which cannot be read: ${reason}`);
  }
}
