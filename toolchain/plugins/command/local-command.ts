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
 * `command:local:Command`. Its outputs are always secret: the real plugin makes them so as soon as one input is.
 * A refresh finds what the last run printed: there is nothing to look at.
 */
export const localCommand: Kind<undefined, LocalCommandInputs, State> = {
  token: "command:local:Command",
  secretOutputs: OUTPUTS,
  computedOutputs: OUTPUTS,
  replaceOn: ["triggers"],
  check: (news) => checkFields("@pulumi/command", FIELDS, news),

  async create({ urn, signal }, inputs) {
    const outputs = await run("create", inputs.create, inputs, { stdout: "", stderr: "" }, signal);
    return { id: newId(urn), state: { ...inputs, ...outputs } };
  },

  async read(_call, id, old) {
    return old && { id, ...old };
  },

  async update({ signal }, _id, { state }, news) {
    const step = news.update === undefined ? "create" : "update";
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    return { ...news, ...(await run(step, news[step], news, before, signal)) };
  },

  async delete({ signal }, _id, { state }) {
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    await run("delete", state.delete, state, before, signal);
  },
};

/** Runs the command and gives what it printed; without a command what was printed `before`. */
function run(
  step: string,
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
    child.on("error", (error) => reject(new Error(`the ${step} command was not run: ${error.message}`)));
    child.on("close", (code, ending) => {
      const printed = { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
      if (code === 0) resolve(outputsOf(printed));
      else reject(failure(step, code ?? `none (${ending})`, printed.stderr));
    });
  });
}
