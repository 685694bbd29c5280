/** What a command's exit code says. Wrong usage is `unknown` too: nothing was found out. */
export const EXIT = { done: 0, failed: 1, unknown: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
/** How a command hands back its exit code. */
export type Finish = (code: ExitCode) => void;

/** An error whose text is meant for the user as it stands. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode,
  ) {
    super(message);
  }
}

/** The question could not be answered: no stack, no outputs, no way in. */
export const couldNotTell = (message: string) => new CommandError(message, EXIT.unknown);
/** The thing asked for was tried and did not work. */
export const failed = (message: string) => new CommandError(message, EXIT.failed);

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof CommandError ? error.exitCode : EXIT.unknown;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Sets the process's exit code to what `work` resolves to (undefined: done), and 1 with its message where it throws. Node ends with 0 when
 * nothing is left to wait for, also in the middle of something: that is told as a fault.
 */
export async function endWithResult(name: string, work: Promise<ExitCode | undefined>): Promise<void> {
  const unsettled = () => {
    process.stderr.write(
      `${name}: it ended without a result, which is a fault of the program. Nothing is known\n`,
    );
    process.exitCode = EXIT.unknown;
  };
  process.once("beforeExit", unsettled);
  try {
    process.exitCode = (await work) ?? EXIT.done;
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    process.exitCode = EXIT.failed;
  }
  process.off("beforeExit", unsettled);
}
