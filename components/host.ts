import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { EstateProvider, HostMachine } from "../provider/resources";
import { hostCommand, type ScriptName } from "./plans/host-script";
import type { SshLogin } from "./plans/ssh";

export interface HostStep {
  scripts: readonly ScriptName[];
  /** Shell variables; never a secret. */
  variables: Readonly<Record<string, pulumi.Input<string>>>;
  /** Secrets reach the host this way only. */
  stdin?: pulumi.Input<string>;
  dependsOn?: pulumi.Resource[];
}

/**
 * A machine reached over SSH and the steps that run on it. Not a component of its own: its resources are children of the
 * server it belongs to. A step runs when its text or its input changes, and when the machine is another one.
 */
export class Host {
  /** For kinds of `estate` that work over SSH. */
  readonly provider: EstateProvider;
  readonly machine: HostMachine;

  constructor(
    private readonly parent: pulumi.Resource,
    private readonly name: string,
    readonly login: SshLogin,
  ) {
    const { host, port, user, privateKey, hostKey } = login;
    this.provider = new EstateProvider(
      `${name}-host`,
      { ssh: { host, port, user, hostKey, privateKey: privateKey && pulumi.secret(privateKey) } },
      // A preview without the key must not look like a change of it.
      { parent, ignoreChanges: privateKey === undefined ? ["ssh"] : [] },
    );
    this.machine = new HostMachine(
      `${name}-machine`,
      { label: host, hostKey },
      { parent, provider: this.provider, ignoreChanges: hostKey === undefined ? ["hostKey"] : [] },
    );
  }

  /** Standard output is the step's result; nothing of it is printed. */
  step(role: string, { scripts, variables, stdin, dependsOn = [] }: HostStep): command.remote.Command {
    return this.run(
      role,
      pulumi
        .output(variables)
        .apply((known) => hostCommand({ scripts, variables: known, user: this.login.user })),
      { stdin, dependsOn },
    );
  }

  /** One command line as it is. */
  run(
    role: string,
    create: pulumi.Input<string>,
    { stdin, dependsOn = [] }: Pick<HostStep, "stdin" | "dependsOn"> = {},
  ): command.remote.Command {
    const { host, port, user, privateKey, hostKey } = this.login;
    const absent = { privateKey, hostKey };
    return new command.remote.Command(
      `${this.name}-${role}`,
      {
        connection: { host, port, user, privateKey, hostKey, dialErrorLimit: 5, perDialTimeout: 15 },
        create,
        stdin,
        triggers: [this.machine.identity],
        logging: command.types.enums.remote.Logging.None,
        // A stock sshd takes no such environment, and the plugin would warn of it at each run.
        addPreviousOutputInEnv: false,
      },
      {
        parent: this.parent,
        // The plugin keeps and shows what a command prints in clear, also of one that was given secrets.
        additionalSecretOutputs: ["stdout", "stderr"],
        dependsOn,
        ignoreChanges: Object.entries(absent)
          .filter(([, value]) => value === undefined)
          .map(([property]) => `connection.${property}`),
      },
    );
  }
}
