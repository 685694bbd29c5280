import * as z from "zod";
import type { GithubTarget } from "../../estate/types";
import { couldNotTell } from "../exit";
import type { Io } from "../io";
import { runPulumi } from "../stack";

/** By name, when GitHub said that the stack's own last write of a secret was: `2026-01-31T10:20:30Z`. */
export type Written = ReadonlyMap<string, string>;

const state = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), outputs: z.unknown().optional() })).default([]),
  }),
});

const secret = z.object({
  repository: z.string(),
  environment: z.string(),
  secretName: z.string(),
  writtenAt: z.string(),
});

/** What the stack itself wrote to the target, as its state has it. No value of the state enters an error. */
export async function readWritten(io: Io, stack: string, target: GithubTarget): Promise<Written> {
  return writtenIn(await runPulumi(io, ["stack", "export", "--stack", stack]), stack, target);
}

export function writtenIn(text: string, stack: string, target: GithubTarget): Written {
  const written = new Map<string, string>();
  for (const { type, outputs } of resourcesIn(text, stack)) {
    if (type !== "estate:github:EnvironmentSecret") continue;
    const parsed = secret.safeParse(outputs);
    // One that was begun and not written has no time.
    if (!parsed.success) continue;
    const { repository, environment, secretName, writtenAt } = parsed.data;
    if (repository === target.repository && environment === target.environment)
      written.set(secretName, writtenAt);
  }
  return written;
}

function resourcesIn(text: string, stack: string): { type: string; outputs?: unknown }[] {
  try {
    return state.parse(JSON.parse(text)).deployment.resources;
  } catch {
    // The parser's own message quotes the text.
    throw couldNotTell(
      `the state of stack ${stack} has another shape. Run: pulumi stack export --stack ${stack}`,
    );
  }
}
