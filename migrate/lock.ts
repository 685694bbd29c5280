import { MigrationError, type RunOptions } from "./types";

const PATIENCE_MS = 30 * 60_000;
const BETWEEN_MS = 250;

/**
 * Asks for the lock until it is free. Asked again and again, not waited for: a waiting statement would hold a snapshot,
 * which the CREATE INDEX CONCURRENTLY of the other run waits for in turn.
 */
export async function untilFree(
  database: string,
  tryLock: () => Promise<boolean>,
  { signal, report }: RunOptions,
): Promise<void> {
  const giveUp = Date.now() + PATIENCE_MS;
  for (let told = false; !(await tryLock()); told = true) {
    signal.throwIfAborted();
    if (!told) report({ type: "waiting", database });
    if (Date.now() > giveUp) {
      throw new MigrationError(
        `${database}: another run has been migrating it for ${PATIENCE_MS / 60_000} minutes: let it end, or end its session`,
      );
    }
    await pause(BETWEEN_MS);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
