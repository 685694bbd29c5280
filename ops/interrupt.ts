const SIGNALS: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs `work` with a signal that Ctrl-C and an end of the terminal abort. What then has to be undone is up to the work. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error("interrupted"));
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await work(interrupted.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
