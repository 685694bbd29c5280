import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulumi, pulumiYaml } from "../../support/project";
import { type Finished, projectDirectory } from "../../support/run";
import type { Declare } from "./violations";

/** A Pulumi project of its own that declares what a module beside this one does. */
export class ViolationsProject {
  private readonly home = mkdtempSync(join(tmpdir(), "estate-policy-"));

  /**
   * @param module name of the module
   * @param declare what it declares, to know which kinds have to be served
   * @param real providers whose own plugin takes part; the others take anything
   */
  constructor(module: string, declare: (create: Declare) => void, real: readonly string[] = []) {
    const tokens = new Map<string, Set<string>>();
    declare((type) => {
      const [owner = "", , of] = type.split(":");
      const provider = owner === "pulumi" ? (of as string) : owner;
      if (real.includes(provider)) return { result: "" } as never;
      const served = tokens.get(provider) ?? new Set();
      if (owner !== "pulumi") served.add(type);
      tokens.set(provider, served);
      return { result: "" } as never;
    });
    symlinkSync(join(projectDirectory, "node_modules"), join(this.home, "node_modules"));
    mkdirSync(join(this.home, "state"));
    this.write("package.json", '{ "name": "violations" }');
    const required = (file: string) => `require(${JSON.stringify(join(__dirname, file))})`;
    this.write("index.ts", `${required("fixture/program.ts")}.run(${required(`${module}.ts`)}.declare);\n`);
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
    const providers = plugins.length > 0 ? `plugins:\n  providers:\n${plugins.join("")}` : "";
    this.write("Pulumi.yaml", pulumiYaml("violations", providers));
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
