import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeed } from "../test/support/run";

/** How long the engine took for one program. */
export interface EngineTimes {
  /** Resources in the state, the stack's own included. */
  resources: number;
  /** Seconds of the first `up`. */
  up: number;
  /** Seconds of a preview without changes, the median of three. */
  preview: number;
}

/** Runs a program's first `up` and three previews with a backend of its own. Throws when a preview shows a change. */
export async function timeEngine(directory: string, env: NodeJS.ProcessEnv): Promise<EngineTimes> {
  const backend = await mkdtemp(join(tmpdir(), "estate-bench-"));
  const options = {
    cwd: directory,
    env: {
      ...env,
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      ALL_PROXY: "",
    },
  };
  const flags = ["--stack", "bench", "--non-interactive", "--color", "never"];
  const pulumi = (...args: string[]) => succeed("pulumi", args, options);
  try {
    await pulumi("stack", "init", "bench", "--non-interactive");
    const up = await seconds(() => pulumi("up", ...flags, "--yes", "--skip-preview"));
    const previews: number[] = [];
    for (let run = 0; run < 3; run++) {
      previews.push(await seconds(() => pulumi("preview", ...flags, "--expect-no-changes")));
    }
    const state = JSON.parse(await pulumi("stack", "export", "--stack", "bench"));
    return {
      resources: state.deployment.resources.length,
      up,
      preview: previews.sort((a, b) => a - b)[1] as number,
    };
  } finally {
    await rm(backend, { recursive: true, force: true });
    await rm(join(directory, "Pulumi.bench.yaml"), { force: true });
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
