import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeed } from "../test/support/run";

/** A resource as the engine recorded it. */
export interface RecordedResource {
  urn: string;
  type: string;
  parent?: string;
}

/** One program on a stack of its own, with a backend of its own. `close` leaves nothing behind but what was created. */
export interface Engine {
  /** Seconds of an `up`. `env`: what differs from the one before. */
  up(env?: NodeJS.ProcessEnv): Promise<number>;
  /** Seconds of a preview. Throws when it shows a change. */
  preview(): Promise<number>;
  /** What the state holds, the stack's own resource included. */
  resources(): Promise<RecordedResource[]>;
  close(): Promise<void>;
}

export async function startEngine(directory: string, env: NodeJS.ProcessEnv): Promise<Engine> {
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
  const close = async () => {
    await rm(backend, { recursive: true, force: true });
    await rm(join(directory, "Pulumi.bench.yaml"), { force: true });
  };
  await pulumi("stack", "init", "bench", "--non-interactive").catch(async (error) => {
    await close();
    throw error;
  });
  return {
    up: (more) =>
      seconds(() =>
        succeed("pulumi", ["up", ...flags, "--yes", "--skip-preview"], {
          ...options,
          env: { ...options.env, ...more },
        }),
      ),
    preview: () => seconds(() => pulumi("preview", ...flags, "--expect-no-changes")),
    resources: async () =>
      JSON.parse(await pulumi("stack", "export", "--stack", "bench")).deployment.resources,
    close,
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
