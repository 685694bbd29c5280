import { spawn } from "node:child_process";
import type { Kind } from "../../../provider/wire/kind";
import { checkFields, type Fields } from "../fields";
import {
  COMMAND_FIELDS,
  type CommandInputs,
  failure,
  newId,
  OUTPUTS,
  type Outputs,
  outputsOf,
  previousOutput,
} from "./commands";

export interface LocalCommandInputs extends CommandInputs {
  dir?: string;
  environment?: Record<string, string>;
  /** Default: `/bin/sh -c`. */
  interpreter?: string[];
}

type State = LocalCommandInputs & Partial<Outputs>;

const FIELDS: Fields = {
  ...COMMAND_FIELDS,
  dir: { type: "string" },
  environment: { type: "map" },
  interpreter: { type: "strings" },
};

/**
 * `command:local:Command`. A refresh finds what the last run printed: there is nothing to look at.
 */
export const localCommand: Kind<undefined, LocalCommandInputs, State> = {
  token: "command:local:Command",
  computedOutputs: OUTPUTS,
  replaceOn: ["triggers"],
  check: (news) => checkFields("@pulumi/command", FIELDS, news),

  async create({ urn, signal }, inputs) {
    const outputs = await run(inputs.create, inputs, { stdout: "", stderr: "" }, signal);
    return { id: newId(urn), state: { ...inputs, ...outputs } };
  },

  async read(_call, id, old) {
    return old && { id, ...old };
  },

  async update({ signal }, _id, { state }, news) {
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    return { ...news, ...(await run(news.update ?? news.create, news, before, signal)) };
  },

  async delete({ signal }, _id, { state }) {
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    await run(state.delete, state, before, signal);
  },
};

/** Runs the command and gives what it printed; without a command what was printed `before`. */
function run(
  command: string | undefined,
  inputs: LocalCommandInputs,
  before: Outputs,
  signal: AbortSignal,
): Promise<Outputs> {
  if (command === undefined) return Promise.resolve(before);
  const [program = "/bin/sh", ...options] = inputs.interpreter?.length
    ? inputs.interpreter
    : ["/bin/sh", "-c"];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...options, command], {
      cwd: inputs.dir,
      env: { ...process.env, ...inputs.environment, ...previousOutput(inputs, before) },
      signal,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => out.push(data));
    child.stderr.on("data", (data: Buffer) => err.push(data));
    // The command may well end before it has read its stdin.
    child.stdin.on("error", () => undefined);
    child.stdin.end(inputs.stdin ?? "");
    child.on("error", (error) => reject(failure(error.message, command, { stdout: "", stderr: "" })));
    child.on("close", (code, ending) => {
      const printed = { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
      if (code === 0) resolve(outputsOf(printed));
      else reject(failure(code === null ? `signal: ${ending}` : `exit status ${code}`, command, printed));
    });
  });
}
