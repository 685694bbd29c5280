import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulumi } from "../../support/project";
import { type Finished, projectDirectory } from "../../support/run";
import type { Declare } from "./violations";

/** A Pulumi project of its own whose providers take anything. */
export class ViolationsProject {
  private readonly home = mkdtempSync(join(tmpdir(), "estate-policy-"));

  /** `declare`: what will be declared, to know which kinds the providers have to serve. */
  constructor(declare: (create: Declare) => void) {
    const tokens = new Map<string, Set<string>>();
    declare((type) => {
      const [owner = "", , of] = type.split(":");
      const provider = owner === "pulumi" ? (of as string) : owner;
      const served = tokens.get(provider) ?? new Set();
      if (owner !== "pulumi") served.add(type);
      tokens.set(provider, served);
      return { result: "" } as never;
    });
    symlinkSync(join(projectDirectory, "node_modules"), join(this.home, "node_modules"));
    mkdirSync(join(this.home, "state"));
    this.write("package.json", '{ "name": "violations" }');
    this.write("index.ts", `require(${JSON.stringify(join(__dirname, "fixture/program.ts"))});\n`);
    const plugins = [...tokens].map(([provider, served]) => {
      mkdirSync(join(this.home, provider));
      const executable = join(provider, `pulumi-resource-${provider}`);
      const tsx = join(projectDirectory, "node_modules/tsx/dist/cjs/index.cjs");
      this.write(
        executable,
        `#!/bin/sh\nexport LENIENT_KINDS='${[provider, ...served].join(" ")}'\n` +
          `exec node --require ${tsx} ${join(__dirname, "fixture/lenient.ts")} "$@"\n`,
      );
      chmodSync(join(this.home, executable), 0o755);
      return `    - { name: ${provider}, path: ./${provider} }\n`;
    });
    this.write("Pulumi.yaml", `${PROJECT}plugins:\n  providers:\n${plugins.join("")}`);
  }

  pulumi(...args: string[]): Promise<Finished> {
    return pulumi(args, {
      cwd: this.home,
      env: {
        PULUMI_BACKEND_URL: `file://${this.home}/state`,
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
      },
    });
  }

  /** Writes a file and returns its path. */
  write(name: string, content: string): string {
    writeFileSync(join(this.home, name), content);
    return join(this.home, name);
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

const PROJECT = `name: violations
main: index.ts
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: "--require tsx/cjs"
`;
