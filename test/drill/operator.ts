import { appendFile } from "node:fs/promises";
import { COMMANDS, type CommandName } from "./commands";
import { type Finished, type RunOptions, run } from "./process";

type Variables = Readonly<Record<string, string>>;

export interface Answer extends Finished {
  seconds: number;
}

/** Somebody with the stack's state, the bucket and the private key, in a directory and a home where nothing else lies. */
export class Operator {
  private readonly ran = new Set<CommandName>();

  constructor(
    private readonly stack: string,
    private readonly place: { directory: string; home: string },
    private readonly log: string,
  ) {}

  /** Runs one command of the runbooks. Never throws on a non-zero exit: whether that is right is the caller's to judge. */
  async type(
    name: CommandName,
    variables: Variables = {},
    { json = false, ...options }: { json?: boolean } & Pick<RunOptions, "onStderr"> = {},
  ): Promise<Answer> {
    const answer = await this.shell(COMMANDS[name] + (json ? " --json" : ""), variables, options);
    this.ran.add(name);
    return answer;
  }

  /** Other words: what a drill asks and no runbook. */
  async ask(words: string, variables: Variables = {}): Promise<Answer> {
    return this.shell(words, variables, {});
  }

  /** Commands of the runbooks that nobody has typed. */
  left(): CommandName[] {
    return (Object.keys(COMMANDS) as CommandName[]).filter((name) => !this.ran.has(name));
  }

  private async shell(
    text: string,
    variables: Variables,
    options: Pick<RunOptions, "onStderr">,
  ): Promise<Answer> {
    const began = Date.now();
    const script = [
      "set -euo pipefail",
      'policies="--policy-pack policy --policy-pack-config policy/config.$PULUMI_STACK.json"',
      text,
    ].join("\n");
    const { directory, home } = this.place;
    const env = {
      ...process.env,
      HOME: home,
      PULUMI_STACK: this.stack,
      PULUMI_OPTION_NON_INTERACTIVE: "true",
      NO_COLOR: "1",
      ...variables,
    };
    const finished = await run("bash", ["-c", script], { cwd: directory, env, ...options });
    const seconds = (Date.now() - began) / 1000;
    const { code, stdout, stderr } = finished;
    await appendFile(
      this.log,
      `$ ${text}\n${stdout}${stderr}(exit code ${code}, ${seconds.toFixed(1)} s)\n\n`,
    );
    return { ...finished, seconds };
  }
}

/** The end of what a command said, for a finding. */
export function lastLines({ stdout, stderr }: Finished, lines = 8): string {
  return (
    `${stdout}\n${stderr}`
      .split("\n")
      .map((line) => line.trimEnd())
      // npx may complain of a user's own settings.
      .filter((line) => line !== "" && !line.startsWith("npm warn"))
      .slice(-lines)
      .join("\n")
  );
}
