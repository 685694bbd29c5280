import { readFileSync } from "node:fs";
import * as path from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { DatabaseEntry } from "../../estate/types";
import { type DatabaseHost, HostRefusal, lastWords } from "../backup/hosts";
import { failed } from "../exit";
import type { RestoreNames } from "./names";

/** Steps of a restore on one host, for one database. Throws HostRefusal with the host's own words. */
export class RestoreSteps {
  private readonly library: string;
  private readonly variables: Record<string, string>;

  constructor(
    private readonly host: DatabaseHost,
    entry: DatabaseEntry,
    names: RestoreNames,
    port: number,
  ) {
    const scripts = path.join(__dirname, "scripts");
    const read = (name: string) => readFileSync(path.join(scripts, name), "utf8");
    this.library = ["common.sh", `${entry.engine}.sh`, `${entry.engine}-point.sh`].map(read).join("\n");
    this.variables = {
      LIVE: entry.name,
      SCRATCH: names.scratch,
      REPLACED: names.replaced,
      SERVICE: entry.service,
      PORT: String(port),
      LIMIT: String(entry.engine === "postgres" ? entry.databaseConnectionLimit : -1),
    };
  }

  /** Free bytes where the server's data lies, and those of the names that are there. */
  async look(): Promise<{ freeBytes: number; names: string[] }> {
    const [free = "", ...names] = lines(await this.run("look"));
    return { freeBytes: Number(free), names };
  }

  async createScratch(): Promise<void> {
    await this.run("create_scratch");
  }

  async dropScratch(): Promise<void> {
    await this.run("drop_scratch");
  }

  /** `plain` goes into the scratch database. */
  load(plain: Readable, ...options: string[]): Promise<void> {
    return this.feed(`load ${options.join(" ")}`, plain);
  }

  /** A place for a server beside the live one. */
  async pointBegin(): Promise<void> {
    await this.run("point_begin");
  }

  pointBase(plain: Readable): Promise<void> {
    return this.feed("point_base", plain);
  }

  pointLog(name: string, plain: Readable): Promise<void> {
    return this.feed(`point_log ${name}`, plain);
  }

  /** Brings it to `at`; `covered`: the log that was laid down goes on until then, or beyond. */
  async pointStart(at: string, covered: boolean): Promise<void> {
    await this.run("point_start", { AT: at, COVERED: String(covered) });
  }

  /** Rows there, by table. */
  async pointCount(): Promise<Record<string, number>> {
    return counts(await this.run("point_count"));
  }

  async pointLoad(...options: string[]): Promise<void> {
    await this.run(`point_load ${options.join(" ")}`);
  }

  /** It goes, with all of its files. */
  async pointEnd(): Promise<void> {
    await this.run("point_end");
  }

  /** By table. */
  async countRows(): Promise<Record<string, number>> {
    return counts(await this.run("count_rows"));
  }

  /** In words; none: sequences, foreign keys and indexes are sound. */
  async dataFaults(): Promise<string[]> {
    return lines(await this.run("data_faults"));
  }

  /** Who may do what with each object of a database. */
  async security(database: string): Promise<Record<string, string>> {
    return Object.fromEntries(pairs(await this.run(`security ${database}`)));
  }

  /** Gives the scratch database what belongs to the live one's place. */
  async adopt(): Promise<void> {
    await this.run("adopt");
  }

  /** All or nothing, also when nobody listens any more. Gives for how many ms the service's logins were closed. */
  async swap(): Promise<number> {
    return Number(lines(await this.run("swap"))[0]);
  }

  /** Whether a swap whose end nobody heard has replaced the live database. Waits until it is through. */
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

  private run(call: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.host.script(`${this.library}\n${call}`, { ...this.variables, ...more });
  }

  private async feed(call: string, plain: Readable): Promise<void> {
    const { code, stderr } = await this.host.filter(`${this.library}\n${call}`, this.variables, {
      stdin: plain,
    });
    if (code !== 0) {
      throw new HostRefusal(`${this.host.name}: ${lastWords(stderr) || `${call} ended with ${code}`}`);
    }
  }
}

/**
 * Keeps everybody else from restoring the database until the release, also when this process or its connection dies.
 * Throws "failed" where somebody else is at it.
 */
export async function lockDatabase(host: DatabaseHost, database: string): Promise<() => void> {
  const hold = new PassThrough();
  const release = () => {
    hold.end();
    host.close();
  };
  const text = [
    `exec 8>/run/lock/estate-restore-${database}`,
    "flock -n 8 || exit 75",
    "echo locked >&2",
    "cat >/dev/null",
  ].join("\n");
  let locked = () => {};
  const holding = new Promise<void>((resolve) => {
    locked = resolve;
  });
  const ended = host.filter(
    text,
    {},
    { stdin: hold, onStderr: (text) => /^locked$/m.test(text) && locked() },
  );
  try {
    const early = await Promise.race([holding, ended]);
    if (early && early.code !== 0) {
      throw failed(
        early.code === 75
          ? "somebody else is restoring it"
          : `it cannot be locked: ${lastWords(early.stderr)}`,
      );
    }
  } catch (error) {
    release();
    throw error;
  }
  ended.catch(() => undefined);
  return release;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function counts(text: string): Record<string, number> {
  return Object.fromEntries(pairs(text).map(([table, rows]) => [table, Number(rows)]));
}

function pairs(text: string): [string, string][] {
  return lines(text).map((line) => {
    const [key = "", ...rest] = line.split("\t");
    return [key, rest.join("\t")];
  });
}
