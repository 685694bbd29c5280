import { type StackOutputs, stackOutputs } from "../estate/outputs";
import { couldNotTell } from "./exit";
import type { Io } from "./io";
import { runPulumi } from "./stack";

/** The stack's outputs, secrets in the clear. Errors say which stack and what to run, and hold no value. */
export async function readStackOutputs(io: Io, stack: string): Promise<StackOutputs> {
  const text = await runPulumi(io, ["stack", "output", "--stack", stack, "--json", "--show-secrets"]);
  return parseStackOutputs(text, stack);
}

export function parseStackOutputs(text: string, stack: string): StackOutputs {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds passwords.
    throw couldNotTell(`the outputs of stack ${stack} are no JSON`);
  }
  const parsed = stackOutputs.safeParse(raw);
  if (parsed.success) return parsed.data;
  // Pulumi itself does not complain: a secret that it cannot open is null in what it prints, and the exit code is 0.
  if (isObject(raw) && raw.connections === null) {
    throw couldNotTell(
      `the secrets of stack ${stack} do not open: PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE holds another passphrase than the stack's`,
    );
  }
  const empty = isObject(raw) && !("connections" in raw);
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw couldNotTell(
    empty
      ? `stack ${stack} has no outputs yet. Run: pulumi up --stack ${stack}`
      : `the outputs of stack ${stack} have another shape (${fields}). Run: pulumi up --stack ${stack}`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
