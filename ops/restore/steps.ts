import type { Readable } from "node:stream";
import { type DatabaseHost, HostRefusal, lastWords } from "../backup/hosts";

/** Steps that each restore has, whatever it brings back. Throws HostRefusal with the host's own words. */
export abstract class HostSteps {
  constructor(
    private readonly host: DatabaseHost,
    /** Functions of the steps, in shell. */
    private readonly library: string,
    protected readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** Puts right what a change of places left that was killed, itself or with its server. Lines of what was found. */
  async recover(): Promise<string[]> {
    return lines(await this.run("recover"));
  }

  async dropScratch(): Promise<void> {
    await this.run("drop_scratch");
  }

  /** Whether a change of places whose end nobody heard has replaced what is live. Waits until it is through. */
  async hasSwapped(): Promise<boolean> {
    return lines(await this.run("outcome")).includes(this.variables.REPLACED ?? "");
  }

  /** Names that are gone. */
  async dropReplaced(): Promise<string[]> {
    return lines(await this.run("drop_replaced"));
  }

  close(): void {
    this.host.close();
  }

  protected run(call: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.host.script(`${this.library}\n${call}`, { ...this.variables, ...more });
  }

  /** A step that reads `plain`; gives what it printed. */
  protected async feed(
    call: string,
    plain: Readable,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const variables = { ...this.variables, ...more };
    const { code, stdout, stderr } = await this.host.filter(`${this.library}\n${call}`, variables, {
      stdin: plain,
    });
    if (code === 0) return stdout;
    throw new HostRefusal(`${this.host.name}: ${lastWords(stderr) || `${call} ended with ${code}`}`);
  }
}

export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
