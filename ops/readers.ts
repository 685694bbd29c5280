/**
 * A reader that has seen enough (`estate list | head`) is no error, and no end either: a restore goes on to its own, and the exit code is
 * what became of it.
 */
export function outliveReaders(streams: readonly NodeJS.WritableStream[]): void {
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
