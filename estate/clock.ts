import { z } from "zod";

/**
 * The one place where the time of day enters what is decided: rotations, the ends of grace windows, renewals of
 * certificates. Everything else gets it as an argument.
 */
export const CLOCK_VARIABLE = "ESTATE_CLOCK";

/**
 * Milliseconds since 1970. The variable `ESTATE_CLOCK` stops the clock at a moment (`2026-12-27T00:00:00Z`), for tests and
 * for looking ahead: a preview shows what a run on that day would do. Errors: the variable holds no moment.
 */
export function now(env: NodeJS.ProcessEnv = process.env): number {
  const text = env[CLOCK_VARIABLE];
  if (text === undefined || text === "") return Date.now();
  const moment =
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z)?$/.test(text) && beginsWithDay(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isNaN(moment)) {
    throw new Error(`${CLOCK_VARIABLE} is "${text}": write a moment as 2026-12-27T00:00:00Z, or unset it`);
  }
  return moment;
}

/** Whether a text begins with a day that the calendar has: `Date` takes 2026-02-30 for the second of March. */
export function beginsWithDay(text: string): boolean {
  return z.iso.date().safeParse(text.slice(0, 10)).success;
}
