import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectMariadb } from "../../../connect/mariadb";
import { connectPostgres } from "../../../connect/postgres";
import { connectRedis } from "../../../connect/redis";
import type { RotationOutput } from "../../../estate/outputs";
import { makeBackupLogin } from "../../support/backup-login";
import { startMariadb } from "../../support/engines-mariadb";
import { startPostgres } from "../../support/engines-postgres";
import { startRedis } from "../../support/engines-redis";
import { type Finished, run } from "../../support/run";

interface FixtureServer {
  host: string;
  port: number;
  user: string;
  password: string;
  caCertificate: string;
}

export interface FixtureSettings {
  servers: Record<"mariadb" | "postgres" | "redis", FixtureServer>;
  forced: { database: string; at: string; reason: string }[];
  /** Directory of the files that stand for published secrets, one a server. */
  published: string;
}

export const SERVERS = ["mariadb", "postgres", "redis"] as const;
export type Server = (typeof SERVERS)[number];

export interface Login {
  host: string;
  port: number;
  user: string;
  password: string;
  database?: string;
  caCertificate: string;
}

/** Resources and steps under way, as the engine has recorded them. */
interface Recorded {
  resources: string;
  pending: number;
}

const fixture = join(__dirname, "fixture");
const UP = ["up", "--stack", "crash", "--yes", "--skip-preview", "--parallel", "1"];

/** A stack of its own on throw-away servers of all three kinds, driven by the real engine. */
export class SmallStack {
  private readonly home = mkdtempSync(join(tmpdir(), "estate-rotation-"));
  private readonly settings = join(this.home, "settings.json");
  private readonly engines: { stop(): Promise<void> }[] = [];
  private declared: FixtureSettings | undefined;

  async start(): Promise<void> {
    const [mariadb, postgres, redis] = await Promise.all([
      startMariadb("11.8"),
      startPostgres("17"),
      startRedis("8.0"),
    ]);
    this.engines.push(mariadb, postgres, redis);
    await makeBackupLogin(postgres);
    const seen = ({ host, port, admin, caCertificate }: typeof mariadb | typeof postgres | typeof redis) => ({
      host,
      port,
      ...admin,
      caCertificate,
    });
    const published = join(this.home, "published");
    mkdirSync(published);
    mkdirSync(join(this.home, "state"));
    const servers = { mariadb: seen(mariadb), postgres: seen(postgres), redis: seen(redis) };
    this.declare({ servers, forced: [], published });
    const made = await this.pulumi(["stack", "init", "crash"]);
    if (made.code !== 0) throw new Error(made.output);
  }

  async stop(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.stop()));
    rmSync(this.home, { recursive: true, force: true });
    rmSync(join(fixture, "Pulumi.crash.yaml"), { force: true });
  }

  force(database: string, at: string): void {
    if (!this.declared) throw new Error("the stack is not started");
    const entry = { database, at, reason: "test" };
    this.declare({ ...this.declared, forced: [...this.declared.forced, entry] });
  }

  up(clock: string): Promise<Finished> {
    return this.pulumi(UP, clock);
  }

  /** Whether a preview shows a change on that day. */
  async changes(clock: string): Promise<boolean> {
    return (await this.pulumi(["preview", "--stack", "crash", "--expect-no-changes"], clock)).code !== 0;
  }

  async rotations(): Promise<Record<string, RotationOutput>> {
    const { stdout } = await this.pulumi(["stack", "output", "rotations", "--stack", "crash", "--json"]);
    return JSON.parse(stdout) as Record<string, RotationOutput>;
  }

  /**
   * Runs `up` and kills the engine, and only the engine: as soon as it has recorded one more step, or else (`amid`) once
   * the step after that one is under way. true: it ended by itself, with nothing left to record.
   * `steps`: after so many steps, for the first ones of a run may only note again what an earlier one did.
   */
  async killedAfterAStep(clock: string, amid: boolean, steps = 1): Promise<boolean> {
    // Into a file: a pipe would keep an engine's providers, and this, waiting for one another.
    const log = join(this.home, "engine.log");
    const words = openSync(log, "w");
    const engine = spawn("pulumi", [...UP, "--non-interactive"], {
      cwd: fixture,
      env: this.env(clock),
      stdio: ["ignore", words, words],
    });
    closeSync(words);
    const exit = exitOf(engine);
    const before = this.recorded().resources;
    const moved = () => ![before, ""].includes(this.recorded().resources);
    const seen = new Set([before, ""]);
    while (exit.code === undefined && seen.size < 2 + steps) {
      seen.add(this.recorded().resources);
      await sleep(2);
    }
    if (amid) {
      while (exit.code === undefined && this.recorded().pending === 0) await sleep(2);
      // Into the step: what it has written by then, nobody knows.
      if (exit.code === undefined) await sleep(20);
    }
    engine.kill("SIGKILL");
    await exit.ended;
    rmSync(join(this.home, "state/.pulumi/locks"), { recursive: true, force: true });
    if (exit.code !== undefined && exit.code !== null && exit.code !== 0) {
      const said = readFileSync(log, "utf8").trimEnd().split("\n").slice(-30).join("\n");
      throw new Error(`the engine ended with ${exit.code} by itself:\n${said}`);
    }
    return exit.code === 0 && !moved();
  }

  /** What an application finds published. */
  published(server: Server): Login {
    if (!this.declared) throw new Error("the stack is not started");
    return JSON.parse(readFileSync(join(this.declared.published, `${server}.json`), "utf8")) as Login;
  }

  private declare(settings: FixtureSettings): void {
    this.declared = settings;
    writeFileSync(this.settings, JSON.stringify(settings), { mode: 0o600 });
  }

  private stateFile(): string {
    return join(this.home, "state/.pulumi/stacks/rotation-fixture/crash.json");
  }

  private recorded(): Recorded {
    const file = this.stateFile();
    if (!existsSync(file)) return { resources: "", pending: 0 };
    const { latest } = JSON.parse(readFileSync(file, "utf8")).checkpoint;
    const { resources = [], pending_operations: pending = [] } = latest ?? {};
    return { resources: withoutNoise(resources), pending: pending.length };
  }

  private env(clock = ""): NodeJS.ProcessEnv {
    return {
      ...process.env,
      ESTATE_CLOCK: clock,
      ROTATION_FIXTURE: this.settings,
      // The state is replaced whole; its file of metadata would be written in place, and a kill amid that is a broken stack.
      PULUMI_BACKEND_URL: `file://${join(this.home, "state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "throw-away",
    };
  }

  private pulumi(args: readonly string[], clock?: string): Promise<Finished> {
    return run("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: fixture,
      env: this.env(clock),
    });
  }
}

/** Every write of the file puts resources and their dependencies in another order and encrypts the secrets anew. */
function withoutNoise(resources: readonly unknown[]): string {
  const plain = (key: string, value: unknown) => {
    if (key === "ciphertext") return "";
    const texts = Array.isArray(value) && value.every((one) => typeof one === "string");
    return texts ? [...value].sort() : value;
  };
  return resources
    .map((resource) => JSON.stringify(resource, plain))
    .sort()
    .join("\n");
}

interface Exit {
  /** undefined: it runs; null: killed. */
  code: number | null | undefined;
  ended: Promise<void>;
}

function exitOf(child: ChildProcess): Exit {
  const exit: Exit = {
    code: undefined,
    ended: new Promise((resolve) =>
      child.once("exit", (code) => {
        exit.code = code;
        resolve();
      }),
    ),
  };
  return exit;
}

/** Logs in and asks something. Throws where it is refused. */
export async function use(server: Server, login: Login): Promise<void> {
  const { host, port, user, password, caCertificate, database } = login;
  const trust = { caCertificate, serverName: "localhost" };
  const endpoint = { host, port };
  if (server === "redis") {
    const connection = await connectRedis(endpoint, trust, { user, password });
    await connection.call("GET", "crm:x").finally(() => connection.close());
    return;
  }
  const connect = server === "postgres" ? connectPostgres : connectMariadb;
  const connection = await connect(endpoint, trust, { user, password, database });
  await connection.query("SELECT 1").finally(() => connection.close());
}
