import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { toolchainEnv } from "../contract/toolchain/project";
import { pulumiYaml } from "./project";
import { type Finished, projectDirectory, run } from "./run";

/** A resource as the state keeps it. A secret is an object with `ciphertext`, or with `plaintext` where they are shown. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

interface Deployment {
  deployment: { resources?: StateResource[] };
}

/** A program of some lines on a stack of its own, with this project's parts and provider, driven by the real engine. */
export class EngineProject {
  readonly directory = mkdtempSync(path.join(tmpdir(), "estate-small-"));
  private readonly env: NodeJS.ProcessEnv;

  /** `env`: for the engine, and so for plugins and program. */
  constructor(env: NodeJS.ProcessEnv = {}) {
    this.env = {
      ...toolchainEnv(),
      PULUMI_BACKEND_URL: `file://${this.directory}/state`,
      PULUMI_CONFIG_PASSPHRASE: "small",
      NO_COLOR: "1",
      ...env,
    };
    mkdirSync(path.join(this.directory, "state"));
    symlinkSync(path.join(projectDirectory, "node_modules"), path.join(this.directory, "node_modules"));
    this.write("Pulumi.yaml", pulumiYaml("small", PLUGINS));
    this.write("package.json", '{ "name": "small" }');
  }

  async init(): Promise<void> {
    await this.succeed(["stack", "init"]);
  }

  /** The program. `#/` in an import is this project's directory. */
  declare(program: string): void {
    this.write("index.ts", program.replaceAll('"#/', `"${projectDirectory}/`));
  }

  pulumi(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const options = { cwd: this.directory, env: { ...this.env, ...env } };
    return run("pulumi", [...args, "--stack", "test", "--non-interactive"], options);
  }

  /** What was printed. Throws with it where the command fails. */
  async succeed(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { code, output } = await this.pulumi(args, env);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  up(...args: string[]): Promise<string> {
    return this.succeed(["up", "--yes", "--skip-preview", ...args]);
  }

  /** What a preview would do, by resource name; what stays is left out. */
  async preview(env: NodeJS.ProcessEnv = {}): Promise<Record<string, { op: string; fields: string[] }>> {
    const finished = await this.pulumi(["preview", "--json"], env);
    if (finished.code !== 0) throw new Error(finished.output);
    const { steps } = JSON.parse(finished.stdout) as {
      steps: { op: string; urn: string; detailedDiff: object | null }[];
    };
    const changes = steps.filter(({ op }) => op !== "same");
    return Object.fromEntries(
      changes.map(({ op, urn, detailedDiff }) => [
        urn.split("::").at(-1),
        { op, fields: Object.keys(detailedDiff ?? {}).sort() },
      ]),
    );
  }

  /** The state as text and parsed, its secrets in clear. */
  async state(): Promise<{ text: string; resources: StateResource[] }> {
    const { stdout } = await this.pulumi(["stack", "export", "--show-secrets"]);
    return { text: stdout, resources: (JSON.parse(stdout) as Deployment).deployment.resources ?? [] };
  }

  /** The state as it is kept. */
  async sealedState(): Promise<string> {
    return (await this.pulumi(["stack", "export"])).stdout;
  }

  /** Puts a state in place of the one there is. */
  async restore(text: string): Promise<void> {
    this.write("state.json", text);
    await this.succeed(["stack", "import", "--file", path.join(this.directory, "state.json")]);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private write(name: string, content: string): void {
    writeFileSync(path.join(this.directory, name), content);
  }
}

const PLUGINS = `plugins:
  providers:
    - name: estate
      path: ${path.join(projectDirectory, "provider")}
`;
