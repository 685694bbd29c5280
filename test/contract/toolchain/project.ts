import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { pulumiYaml } from "../../support/project";

const root = path.resolve(__dirname, "../../..");

export interface Thing {
  name: string;
  limits: { connections: number };
  grants: Record<string, string[]>;
  password: string;
  delay?: number;
  /** Id of an existing thing to take over. */
  import?: string;
  /** Default: the provider's one kind. */
  type?: string;
}

interface Step {
  op: string;
  urn: string;
  detailedDiff: Record<string, { kind: string; inputDiff: boolean }> | null;
}

interface StateResource {
  urn: string;
  type: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** A Pulumi project of its own in a temporary directory, with the fixture's provider and the real engine. */
export class Project {
  readonly home = mkdtempSync(path.join(tmpdir(), "estate-engine-"));
  /** What the fixture's provider takes for its server. */
  readonly server = path.join(this.home, "server");
  private readonly running = new Set<ChildProcess>();
  private readonly env: NodeJS.ProcessEnv;

  constructor() {
    this.env = { ...process.env, ...toolchainEnv(), ...this.settings() };
    mkdirSync(this.server);
    mkdirSync(path.join(this.home, "state"));
    mkdirSync(path.join(this.home, "plugin"));
    symlinkSync(path.join(root, "node_modules"), path.join(this.home, "node_modules"));
    this.write("Pulumi.yaml", pulumiYaml("fixture", PLUGINS));
    this.write("package.json", '{ "name": "fixture" }');
    this.write("index.ts", `module.exports = require(${JSON.stringify(fixture("program.ts"))});\n`);
    const command = `exec node --require ${path.join(root, "node_modules/tsx/dist/cjs/index.cjs")}`;
    const script = `#!/bin/sh\n${command} ${fixture("provider.ts")} "$@"\n`;
    writeFileSync(path.join(this.home, "plugin/pulumi-resource-fixture"), script, { mode: 0o755 });
  }

  async init(): Promise<void> {
    await this.pulumi("stack", "init", "test");
    await this.pulumi("config", "set", "greeting", "hello");
    await this.pulumi("config", "set", "--secret", "password", "canary-config");
  }

  declare(things: Record<string, Thing>): void {
    this.write("things.json", JSON.stringify(things));
  }

  /** Runs to the end; a non-zero exit code is an error with what was printed. */
  async pulumi(...args: string[]): Promise<string> {
    const { code, output } = await this.attempt(...args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  async attempt(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = this.start(...args);
    let output = "";
    child.stdout?.on("data", (bytes) => (output += bytes));
    child.stderr?.on("data", (bytes) => (output += bytes));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, output };
  }

  start(...args: string[]): ChildProcess {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.home,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.running.add(child);
    child.once("close", () => this.running.delete(child));
    return child;
  }

  up(): Promise<string> {
    return this.pulumi("up", "--yes", "--skip-preview");
  }

  /** What a preview would do to each thing. */
  async preview(): Promise<Record<string, { op: string; fields: Record<string, string> }>> {
    const printed = await this.pulumi("preview", "--json");
    const steps = (JSON.parse(printed.slice(printed.indexOf("{"))) as { steps: Step[] }).steps;
    return Object.fromEntries(
      steps
        .filter((step) => step.urn.includes("::fixture:index:"))
        .map((step) => {
          const fields = Object.entries(step.detailedDiff ?? {}).map(([at, { kind }]) => [at, kind]);
          return [step.urn.split("::").at(-1), { op: step.op, fields: Object.fromEntries(fields) }];
        }),
    );
  }

  async state(): Promise<{ text: string; resources: StateResource[]; pending: unknown[] }> {
    const text = await this.pulumi("stack", "export");
    const { deployment } = JSON.parse(text) as {
      deployment: { resources?: StateResource[]; pending_operations?: unknown[] };
    };
    return { text, resources: deployment.resources ?? [], pending: deployment.pending_operations ?? [] };
  }

  /** A policy pack that refuses things with more connections than `most`; returns its directory. */
  policyPack(most: number): string {
    const directory = path.join(this.home, `policy-${most}`);
    mkdirSync(directory);
    symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
    writeFileSync(path.join(directory, "PulumiPolicy.yaml"), "runtime: nodejs\nmain: index.js\n");
    writeFileSync(path.join(directory, "package.json"), '{ "name": "fixture-policy", "version": "0.0.1" }');
    writeFileSync(path.join(directory, "index.js"), policy(most));
    return directory;
  }

  /** The calls that changed something on the "server". */
  journal(): string[] {
    return this.lines("journal").map((line) => line.replace(/ pid=\d+$/, ""));
  }

  /** Process ids of the providers and programs that were ever started. */
  processes(): number[] {
    const providers = this.lines("journal").map((line) => Number(/pid=(\d+)$/.exec(line)?.[1]));
    return [...new Set([...providers, ...this.lines("programs").map(Number)])];
  }

  thing(name: string): Thing {
    return JSON.parse(readFileSync(path.join(this.server, `${name}.json`), "utf8")) as Thing;
  }

  setThing(name: string, thing: object): void {
    writeFileSync(path.join(this.server, `${name}.json`), JSON.stringify(thing));
  }

  remove(): void {
    for (const child of this.running) child.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }

  private lines(name: string): string[] {
    try {
      return readFileSync(path.join(this.server, name), "utf8").trim().split("\n");
    } catch {
      return [];
    }
  }

  private settings(): NodeJS.ProcessEnv {
    return {
      PULUMI_BACKEND_URL: `file://${this.home}/state`,
      PULUMI_CONFIG_PASSPHRASE: "fixture",
      FIXTURE_DIRECTORY: this.server,
      NO_COLOR: "1",
    };
  }

  private write(name: string, content: string): void {
    writeFileSync(path.join(this.home, name), content);
  }
}

const PLUGINS = `plugins:
  providers:
    - name: fixture
      path: ./plugin
`;

function policy(most: number): string {
  return `const { PolicyPack } = require("@pulumi/policy");
new PolicyPack("fixture", {
  policies: [{
    name: "few-connections",
    description: "A thing has few connections.",
    enforcementLevel: "mandatory",
    validateResource: ({ type, props }, report) => {
      if (type !== "fixture:index:Thing" || props.limits.connections <= ${most}) return;
      report("a thing has at most ${most} connections, this one has " + props.limits.connections);
    },
  }],
});
`;
}

function fixture(name: string): string {
  return path.join(__dirname, "fixture", name);
}

/** The environment that `toolchain/env` prints, read through the shell it is written for. */
export function toolchainEnv(): NodeJS.ProcessEnv {
  execFileSync(path.join(root, "toolchain/install"), { stdio: "inherit" });
  const script = 'exports=$("$0") && eval "$exports" && env -0';
  const printed = execFileSync("bash", ["-c", script, path.join(root, "toolchain/env")], {
    encoding: "utf8",
  });
  return Object.fromEntries(printed.split("\0").map((entry) => entry.split(/=(.*)/s, 2)));
}
