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
import { type Connection, checkConnection, dial } from "./connection";

export interface RemoteCommandInputs extends CommandInputs {
  connection: Connection;
}

type State = RemoteCommandInputs & Partial<Outputs>;

const FIELDS: Fields = { ...COMMAND_FIELDS, connection: { type: "any" } };

/**
 * `command:remote:Command`. Its connection is secret, and so are its outputs, as the real plugin makes all outputs
 * where one input is. The input `environment` is refused: a stock sshd accepts none of it (AcceptEnv), so it would
 * fail with the real plugin. A refresh finds what the last run printed: there is nothing to look at.
 */
export const remoteCommand: Kind<undefined, RemoteCommandInputs, State> = {
  token: "command:remote:Command",
  secretInputs: ["connection"],
  secretOutputs: OUTPUTS,
  computedOutputs: OUTPUTS,
  replaceOn: ["triggers"],

  check(news) {
    const { inputs, failures } = checkFields("@pulumi/command", FIELDS, news);
    const connection = checkConnection(news.connection);
    return {
      inputs: { ...inputs, connection: connection.value },
      failures: [...failures, ...connection.failures],
    };
  },

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
async function run(
  step: string,
  command: string | undefined,
  inputs: RemoteCommandInputs,
  before: Outputs,
  signal: AbortSignal,
): Promise<Outputs> {
  if (command === undefined) return before;
  const ssh = await dial(inputs.connection, signal);
  try {
    // What was printed before reaches the command only where the host accepts it; the real plugin goes on too.
    const environment = previousOutput(inputs, before);
    const ran = await ssh.run(command, { stdin: inputs.stdin, environment });
    if (ran.code !== 0) throw failure(step, ran.code, ran.stderr);
    return outputsOf(ran);
  } finally {
    ssh.close();
  }
}
