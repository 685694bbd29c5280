import { createReadStream } from "node:fs";
import { PassThrough } from "node:stream";
import type { DatabaseEntry, StackConfig } from "../../estate/types";
import type { BackupReader } from "../backup/bucket";
import { HostRefusal, type OpenHost } from "../backup/hosts";
import type { Backup } from "../backup/manifest";
import { runAgent } from "../backup/now";
import { unseal } from "../backup/open";
import { failed, messageOf } from "../exit";
import { rowCount, size } from "../render/backup";
import { countFaults, securityFaults } from "./compare";
import { type FetchedBackup, fetchBackup } from "./fetch";
import { lockDatabase, RestoreSteps } from "./host";
import { type RestoreNames, restoreNames } from "./names";

export interface RestoreRequest {
  entry: DatabaseEntry;
  backup: Backup;
  /** A new database beside the live one; undefined: the live one is replaced. */
  into: string | undefined;
  /** Back up the live one first. */
  safety: boolean;
  /** Take it also where row security or grants are not the live one's. */
  acceptSecurity: boolean;
}

export interface RestoreTools {
  reader: BackupReader;
  open: OpenHost;
  servers: StackConfig["servers"];
  /** Path of the private key of age. */
  key: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Logs in as the service. What is wrong; undefined: nothing. */
  probe(entry: DatabaseEntry): Promise<string | undefined>;
  report(line: string): void;
}

export interface RestoreResult {
  database: string;
  /** The database that holds the data now. */
  into: string;
  run: string;
  rows: number;
  /** What the live one held is kept under this name; undefined: nothing was replaced. */
  replaced: string | undefined;
  /** For so long the service could not log in. */
  closedMs: number | undefined;
  durationMs: number;
  /** `live`: what became of the live database; `unknown`: the host does not say. */
  fault: { live: "untouched" | "replaced" | "unknown"; reason: string } | undefined;
}

/** Restores one database. Never throws for what goes wrong with it: that is the result's fault. */
export async function restoreDatabase(request: RestoreRequest, tools: RestoreTools): Promise<RestoreResult> {
  const { entry, backup, into } = request;
  const began = Date.now();
  const names = into ? { scratch: into, replaced: "" } : restoreNames(entry.name, new Date(began));
  const result: RestoreResult = {
    database: entry.name,
    into: into ?? entry.name,
    run: backup.run,
    rows: rowCount(backup.rows),
    replaced: undefined,
    closedMs: undefined,
    durationMs: 0,
    fault: undefined,
  };
  const told: RestoreTools = { ...tools, report: (line) => tools.report(`${entry.name}: ${line}`) };
  let fetched: FetchedBackup | undefined;
  let unlock: (() => void) | undefined;
  try {
    fetched = await fetchBackup(tools.reader, backup, tools);
    told.report(
      `run ${backup.run} is whole and opens (${size(backup.bytes)}, dump ${size(fetched.plainBytes)})`,
    );
    unlock = await lockDatabase(await tools.open(entry.server, tools.signal), into ?? entry.name);
    await prepare(request, names, fetched, told);
    if (!into) {
      result.closedMs = await swap(entry, names, told);
      result.replaced = names.replaced;
      told.report(`restored; its logins were closed for ${result.closedMs} ms`);
      const wrong = await tools.probe(entry);
      if (wrong) result.fault = { live: "replaced", reason: `the service's login: ${wrong}` };
    }
  } catch (error) {
    if (error instanceof Unheard) result.fault = { live: error.live, reason: error.message };
    else
      result.fault = { live: "untouched", reason: tools.signal.aborted ? "interrupted" : messageOf(error) };
  } finally {
    unlock?.();
    await fetched?.remove();
  }
  return { ...result, durationMs: Date.now() - began };
}

/** Everything before the live database is touched. Where it fails nothing stays on the host. */
async function prepare(
  request: RestoreRequest,
  names: RestoreNames,
  fetched: FetchedBackup,
  tools: RestoreTools,
): Promise<void> {
  const { entry, backup, into } = request;
  const port = tools.servers[entry.server].port;
  const host = await tools.open(entry.server, tools.signal);
  const steps = new RestoreSteps(host, entry, names, port);
  let made = false;
  try {
    const { freeBytes, names: there } = await steps.look();
    requireRoom(freeBytes, fetched.plainBytes);
    if (into && there.includes(into)) {
      throw failed(`there is a database ${into} on ${entry.server} already. Drop it, or take another name`);
    }
    if (!there.includes(entry.name)) {
      throw failed(`there is no database ${entry.name} on ${entry.server}. Run: pulumi up`);
    }
    if (!into && request.safety) {
      const saved = await runAgent(host, { databases: [entry.name], tag: "safety" }, () => undefined);
      if (saved.fault)
        throw failed(`the safety backup failed: ${saved.fault}. Without one: --no-safety-backup`);
      tools.report(`safety backup ${saved.manifest?.run} made`);
    }
    made = true;
    await steps.createScratch();
    await load(steps, fetched, request, tools);
    const { length } = Object.keys(backup.rows);
    const wrong = [...countFaults(await steps.countRows(), backup.rows), ...(await steps.dataFaults())];
    if (wrong.length > 0) throw failed(`what was loaded is not what was saved: ${wrong.join("; ")}`);
    tools.report(`loaded; ${rowCount(backup.rows)} rows in ${length} tables are those of the manifest`);
    if (!into) await becomeLive(steps, request, names, tools);
    tools.signal.throwIfAborted();
  } catch (error) {
    steps.close();
    if (made) await dropScratch(request, names, tools);
    throw error;
  }
  steps.close();
}

/** The database's own place: who may connect, and whether what guards its rows is what guards them now. */
async function becomeLive(
  steps: RestoreSteps,
  { entry, acceptSecurity }: RestoreRequest,
  names: RestoreNames,
  tools: RestoreTools,
): Promise<void> {
  if (entry.engine === "postgres") {
    const changed = securityFaults(await steps.security(names.scratch), await steps.security(entry.name));
    if (changed.length > 0 && !acceptSecurity) {
      const shown = changed.slice(0, 5).join("\n  ");
      const more = changed.length > 5 ? `\n  and ${changed.length - 5} more` : "";
      throw failed(
        `its row security or grants are not as now:\n  ${shown}${more}\n` +
          "Restore with --accept-security, and run pulumi refresh and pulumi up directly after it",
      );
    }
    for (const line of changed) tools.report(`accepted: ${line}`);
  }
  await steps.adopt();
}

async function load(
  steps: RestoreSteps,
  fetched: FetchedBackup,
  { entry, into }: RestoreRequest,
  { key, env, signal }: RestoreTools,
): Promise<void> {
  const plain = new PassThrough();
  const options = into ? (entry.engine === "postgres" ? ["--no-owner", "--no-privileges"] : ["--keep"]) : [];
  // A dump that breaks off must not look like one that ends: the connection goes, and what was loaded with it.
  const feeding = unseal(createReadStream(fetched.file), plain, { key, env, signal }).catch(
    (error: unknown) => {
      steps.close();
      throw error;
    },
  );
  const [loaded, fed] = await Promise.allSettled([
    steps.load(plain, ...options).finally(() => plain.resume()),
    feeding,
  ]);
  // A command that ends early makes the feeding fail too: its own words tell more.
  if (loaded.status === "rejected" && fed.status === "fulfilled") throw loaded.reason;
  if (fed.status === "rejected") throw fed.reason;
}

/** Over a connection of its own, which an interrupt does not end: it is done within a second, or undone. */
async function swap(entry: DatabaseEntry, names: RestoreNames, tools: RestoreTools): Promise<number> {
  const port = tools.servers[entry.server].port;
  const steps = new RestoreSteps(await tools.open(entry.server), entry, names, port);
  const before = entry.engine === "mariadb" ? await steps.security(entry.name) : {};
  try {
    const closedMs = await steps.swap();
    if (entry.engine === "mariadb") {
      const changed = securityFaults(await steps.security(entry.name), before);
      for (const line of changed) tools.report(`changed with it, run pulumi refresh and pulumi up: ${line}`);
    }
    return closedMs;
  } catch (error) {
    if (error instanceof HostRefusal) {
      await steps.dropScratch().catch(() => undefined);
      throw error;
    }
    return await outcomeOf(error, entry, names, tools);
  } finally {
    steps.close();
  }
}

/** The swap goes on when the connection breaks: what came of it is asked for on another one. */
async function outcomeOf(
  error: unknown,
  entry: DatabaseEntry,
  names: RestoreNames,
  { open, servers }: RestoreTools,
): Promise<never> {
  let swapped: boolean;
  try {
    const steps = new RestoreSteps(await open(entry.server), entry, names, servers[entry.server].port);
    swapped = await steps.hasSwapped().finally(() => steps.close());
  } catch {
    throw new Unheard("unknown", `${messageOf(error)}, while the databases were being swapped`);
  }
  throw new Unheard(swapped ? "replaced" : "untouched", messageOf(error));
}

/** The connection broke during the swap. */
class Unheard extends Error {
  constructor(
    readonly live: "untouched" | "replaced" | "unknown",
    message: string,
  ) {
    super(message);
  }
}

/** The connection that was at work may be the one that broke. */
async function dropScratch(
  { entry }: RestoreRequest,
  names: RestoreNames,
  { open, servers, report }: RestoreTools,
): Promise<void> {
  try {
    const steps = new RestoreSteps(await open(entry.server), entry, names, servers[entry.server].port);
    try {
      await steps.dropScratch();
    } finally {
      steps.close();
    }
  } catch (error) {
    report(`${names.scratch} stays on ${entry.server} (${messageOf(error)}); the next restore drops it`);
  }
}

/** Tables, indexes and the log of what is written: about three times the dump, and something to live on. */
const ROOM_FACTOR = 3;
const ROOM_LEFT = 64 * 1024 * 1024;

export function requireRoom(freeBytes: number, plainBytes: number): void {
  const needed = plainBytes * ROOM_FACTOR + ROOM_LEFT;
  if (freeBytes >= needed) return;
  throw failed(`the host has ${size(freeBytes)} free where data lies; loading needs about ${size(needed)}`);
}
