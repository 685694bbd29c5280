import { readFileSync } from "node:fs";
import { RunError } from "@pulumi/pulumi";

/**
 * Text of a file that `field` names, such as `backup.caBundle`. Errors: it cannot be read, which is the user's to mend and comes
 * without a stack trace.
 */
export function readNamedFile(field: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RunError(`${field} is "${file}", which cannot be read: ${reason}`);
  }
}
