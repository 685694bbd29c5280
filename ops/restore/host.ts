import { readFileSync } from "node:fs";
import * as path from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { DatabaseEntry } from "../../estate/types";
import { type DatabaseHost, lastWords, wholeNumber } from "../backup/hosts";
import { isCount, isText, LARGEST_ANSWER, parseJson, recordOf } from "../backup/json";
import { failed } from "../exit";
import type { CountedRows } from "./compare";
import type { RestoreNames } from "./names";
import { HostSteps, lines } from "./steps";

/** Steps of a restore on one host, for one database. Throws HostRefusal with the host's own words. */
export class RestoreSteps extends HostSteps {
  constructor(host: DatabaseHost, entry: DatabaseEntry, names: RestoreNames, port: number) {
    super(host, libraryOf(entry.engine), {
      LIVE: entry.name,
      SCRATCH: names.scratch,
      REPLACED: names.replaced,
      SERVICE: entry.service,
      OWNER: entry.engine === "postgres" ? entry.owner : "",
      TABLES: entry.schema.owner,
      EXTENSIONS: entry.engine === "postgres" ? entry.extensions.join(" ") : "",
      PORT: String(port),
      LIMIT: String(entry.engine === "postgres" ? entry.databaseConnectionLimit : -1),
    });
  }

  /** Free bytes where the server's data lies, and those of the names that are there. */
  async look(): Promise<{ freeBytes: number; names: string[] }> {
    const [free = "", ...names] = lines(await this.run("look"));
    return { freeBytes: wholeNumber(free, "look"), names };
  }

  async createScratch(): Promise<void> {
    await this.run("create_scratch");
  }

  /** `plain` goes into the scratch database. */
  async load(plain: Readable, ...options: string[]): Promise<void> {
    await this.feed(`load ${options.join(" ")}`, plain);
  }

  /** A place for a server beside the live one. */
  async pointBegin(): Promise<void> {
    await this.run("point_begin");
  }

  async pointBase(plain: Readable): Promise<void> {
    await this.feed("point_base", plain);
  }

  async pointLog(name: string, plain: Readable): Promise<void> {
    await this.feed('point_log "$LOG"', plain, { LOG: name });
  }

  /**
   * Brings it to `at`; `covered`: the log that was laid down goes on until then, or beyond. `whole`: the last file that was sent before
   * that moment, and so holds nothing of later; whatever time its events say.
   */
  async pointStart(at: string, covered: boolean, whole?: string): Promise<void> {
    await this.run("point_start", { AT: at, COVERED: String(covered), WHOLE: whole ?? "" });
  }

  /** Rows there, by table. */
  async pointCount(): Promise<Record<string, number>> {
    const rows = Object.entries(counts(await this.run("point_count")));
    return Object.fromEntries(rows.flatMap(([table, count]) => (count === null ? [] : [[table, count]])));
  }

  /** What of it does not come back, a line each. */
  async pointNotes(): Promise<string[]> {
    return lines(await this.run("point_notes"));
  }

  async pointLoad(...options: string[]): Promise<void> {
    await this.run(`point_load ${options.join(" ")}`);
  }

  /** It goes, with all of its files. */
  async pointEnd(): Promise<void> {
    await this.run("point_end");
  }

  /** By table. */
  async countRows(): Promise<CountedRows> {
    return counts(await this.run("count_rows"));
  }

  /** In words; none: sequences, foreign keys and indexes are sound. */
  async dataFaults(): Promise<string[]> {
    return lines(await this.run("data_faults"));
  }

  /** Who may do what with each object of a database. */
  async security(database: string): Promise<Record<string, string>> {
    const text = await this.run(`security ${database}`);
    return text.startsWith("{") ? answer(text, isText) : Object.fromEntries(pairs(text));
  }

  /** What a person should know of what was restored, a line each. `of`: the live database, or undefined: the scratch one. */
  async notes(of?: "live"): Promise<string[]> {
    return lines(await this.run(of ? 'notes "$LIVE"' : "notes"));
  }

  /** Gives the scratch database what belongs to the live one's place. */
  async adopt(): Promise<void> {
    await this.run("adopt");
  }

  /** All or nothing, also when nobody listens any more. Gives for how many ms the service's logins were closed. */
  async swap(): Promise<number> {
    return wholeNumber(lines(await this.run("swap"))[0], "swap");
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
    // Where nobody else can lay a file or hold one.
    "install -d -m 0700 /var/lib/estate-restore",
    'exec 8>"/var/lib/estate-restore/$DATABASE.lock"',
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
    { DATABASE: database },
    { stdin: hold, onStderr: (line) => line === "locked" && locked() },
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

/** Functions of the steps, with those of the agent that they share: what a recovered server holds is dumped as a live one is. */
function libraryOf(engine: DatabaseEntry["engine"]): string {
  const agent = path.join(__dirname, "../../components/agent");
  const scripts = path.join(__dirname, "scripts");
  const ofAgent: Record<string, readonly string[]> = {
    mariadb: ["bounds.sh", "errors.sh", "mariadb-stream.sh", "mariadb-make.sh"],
    postgres: ["bounds.sh", "errors.sh", "postgres-session.sh", "postgres-load.sh"],
  };
  const own: Record<string, readonly string[]> = {
    mariadb: ["mariadb-code.sh", "mariadb.sh", "mariadb-swap.sh", "mariadb-point.sh"],
    postgres: ["postgres.sh", "postgres-point.sh"],
  };
  const files = [
    path.join(scripts, "common.sh"),
    ...(ofAgent[engine] ?? []).map((name) => path.join(agent, name)),
    ...(own[engine] ?? []).map((name) => path.join(scripts, name)),
  ];
  // What clients say may hold a value of somebody's row.
  const filtered = "exec 2> >(client_words - >&2)";
  return [...files.map((file) => readFileSync(file, "utf8")), filtered].join("\n");
}

function counts(text: string): CountedRows {
  const isMaybeCount = (value: unknown): value is number | null => value === null || isCount(value);
  if (text.startsWith("{")) return answer(text, isMaybeCount);
  return Object.fromEntries(pairs(text).map(([table, rows]) => [table, wholeNumber(rows, "count")]));
}

function answer<T>(text: string, fits: (value: unknown) => value is T): Record<string, T> {
  return parseJson(text, recordOf(fits), "the host's answer", LARGEST_ANSWER);
}

/** An object of JSON, or lines `KEY<tab>VALUE`. */
function pairs(text: string): [string, string][] {
  const isValue = (value: unknown): value is unknown => value === null || typeof value !== "object";
  if (text.startsWith("{"))
    return Object.entries(answer(text, isValue)).map(([key, value]) => [key, String(value)]);
  return lines(text).map((line) => {
    const [key = "", ...rest] = line.split("\t");
    return [key, rest.join("\t")];
  });
}
