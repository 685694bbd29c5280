import { RunError } from "@pulumi/pulumi";

/** Runs what reads the user's own settings and files: what is wrong with those is told by its message alone. */
export function withoutStackTrace<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RunError(error instanceof Error ? error.message : String(error));
  }
}
