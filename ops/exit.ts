/** What a command's exit code says. Wrong usage is `unknown` too: nothing was found out. */
export const EXIT = { done: 0, failed: 1, unknown: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

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
