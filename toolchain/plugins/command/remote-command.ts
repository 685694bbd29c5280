import type { Call, Kind } from "../../../provider/wire/kind";
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
import { CONNECTION_SECRETS, type Connection, checkConnection, dial } from "./connection";

export interface RemoteCommandInputs extends CommandInputs {
  connection: Connection;
}

type State = RemoteCommandInputs & Partial<Outputs>;

const FIELDS: Fields = { ...COMMAND_FIELDS, connection: { type: "any" } };

/**
 * `command:remote:Command`. Its connection is secret, its outputs are not. The input `environment` is refused: a stock
 * sshd accepts none of it (AcceptEnv), so it would fail with the real plugin. A refresh finds what the last run printed:
 * there is nothing to look at.
 */
export const remoteCommand: Kind<undefined, RemoteCommandInputs, State> = {
  token: "command:remote:Command",
  secretInputs: ["connection"],
  secretParts: CONNECTION_SECRETS,
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

  async create(call, inputs) {
    const outputs = await run(call, inputs.create, inputs, { stdout: "", stderr: "" });
    return { id: newId(call.urn), state: { ...inputs, ...outputs } };
  },

  async read(_call, id, old) {
    return old && { id, ...old };
  },

  async update(call, _id, { state }, news) {
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    return { ...news, ...(await run(call, news.update ?? news.create, news, before)) };
  },

  async delete(call, _id, { state }) {
    const before = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
    await run(call, state.delete, state, before);
  },
};

/** Runs the command and gives what it printed; without a command what was printed `before`. */
async function run(
  { signal, warn }: Call<undefined>,
  command: string | undefined,
  inputs: RemoteCommandInputs,
  before: Outputs,
): Promise<Outputs> {
  if (command === undefined) return before;
  const ssh = await dial(inputs.connection, signal);
  try {
    // What was printed before reaches the command only where the host accepts it; the real plugin warns and goes on.
    const environment = previousOutput(inputs, before);
    for (const name of Object.keys(environment))
      warn?.(
        `Unable to set '${name}'. This only works if your SSH server is configured to accept it via AcceptEnv.`,
      );
    const ran = await ssh.run(command, { stdin: inputs.stdin, environment });
    if (ran.code !== 0) throw failure(`Process exited with status ${ran.code}`, command, ran);
    return outputsOf(ran);
  } finally {
    ssh.close();
  }
}
