import { fstatSync } from "node:fs";

/** How often the process looks whether its engine still lives, in ms. */
const PARENT_POLL = 500;

/**
 * Runs `close` and exits once the engine is gone, be it by a signal, by a closed stdin or, after a `kill -9`, by the
 * process having got another parent.
 */
export function endWithEngine(close: () => Promise<void>): void {
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    close()
      .catch(() => undefined)
      .finally(() => process.exit(0));
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), PARENT_POLL);
  // Started by hand, stdin may be a terminal or /dev/null: only a pipe says anything about the engine.
  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) process.stdin.on("end", end).on("error", end).resume();
}
