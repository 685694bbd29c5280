import { databaseServer } from "../../estate/servers";
import type { DatabaseEntry } from "../../estate/types";
import { type DatabaseHost, HostRefusal } from "../backup/hosts";
import { type Backup, SAFETY } from "../backup/manifest";
import { runAgent } from "../backup/now";
import { failed, messageOf } from "../exit";
import { rowCount, size } from "../render/backup";
import { countFaults, securityFaults } from "./compare";
import { lockDatabase, RestoreSteps } from "./host";
import { type RestoreNames, restoreNames } from "./names";
import type { PointPlan } from "./point";
import { dumpSource, pointSource, type Source } from "./source";
import type { RestoreTools } from "./tools";

export interface RestoreRequest {
  entry: DatabaseEntry;
  /** A dump of it, or a point in time of its server. */
  from: Backup | PointPlan;
  /** A new database beside the live one; undefined: the live one is replaced. */
  into: string | undefined;
  /** Back up the live one first. */
  safety: boolean;
  /** Take it also where its foreign keys or sequences are broken, or row security and grants are not the live one's. */
  acceptFaults: boolean;
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
  const { entry, from, into } = request;
  const began = Date.now();
  const names = into ? { scratch: into, replaced: "" } : restoreNames(entry.name, new Date(began));
  const result: RestoreResult = {
    database: entry.name,
    into: into ?? entry.name,
    run: "run" in from ? from.run : from.at.toISOString(),
    rows: 0,
    replaced: undefined,
    closedMs: undefined,
    durationMs: 0,
    fault: undefined,
  };
  const told: RestoreTools = { ...tools, report: (line) => tools.report(`${entry.name}: ${line}`) };
  let source: Source | undefined;
  let unlock: (() => void) | undefined;
  let live: "untouched" | "replaced" = "untouched";
  try {
    source = "run" in from ? await dumpSource(from, told) : await pointSource(from, entry, told);
    told.report(source.words);
    for (const note of source.notes) told.report(`noted when it was saved: ${note}`);
    unlock = await lockDatabase(await tools.open(entry.server, tools.signal), into ?? entry.name);
    result.rows = await prepare(request, names, source, told);
    if (!into) {
      const before = entry.engine === "mariadb" ? await grants(entry, names, told) : {};
      result.closedMs = await swap(entry, names, told);
      live = "replaced";
      result.replaced = names.replaced;
      told.report(`restored; its logins were closed for ${result.closedMs} ms`);
      for (const note of await liveNotes(entry, names, told)) told.report(`note: ${note}`);
      const now = entry.engine === "mariadb" ? await grants(entry, names, told) : {};
      for (const line of securityFaults(now, before)) {
        told.report(`changed with it, run pulumi refresh and pulumi up: ${line}`);
      }
      const wrong = await tools.probe(entry);
      if (wrong) result.fault = { live: "replaced", reason: `the service's login: ${wrong}` };
    }
  } catch (error) {
    const interrupted =
      live === "untouched" ? "interrupted" : "interrupted before the service's login was tried";
    const reason = tools.signal.aborted ? interrupted : messageOf(error);
    if (error instanceof Unheard) result.fault = { live: error.live, reason: error.message };
    else result.fault = { live, reason };
  } finally {
    unlock?.();
    await source?.remove();
  }
  return { ...result, durationMs: Date.now() - began };
}

function stepsOn(
  host: DatabaseHost,
  entry: DatabaseEntry,
  names: RestoreNames,
  { servers }: RestoreTools,
): RestoreSteps {
  return new RestoreSteps(host, entry, names, databaseServer(servers, entry.server).port);
}

/** On a connection of their own; `signal`: which ends with it. */
async function openSteps(
  entry: DatabaseEntry,
  names: RestoreNames,
  tools: RestoreTools,
  signal?: AbortSignal,
): Promise<RestoreSteps> {
  return stepsOn(await tools.open(entry.server, signal), entry, names, tools);
}

/** Everything before the live database is touched; gives the rows. Where it fails nothing stays on the host. */
async function prepare(
  request: RestoreRequest,
  names: RestoreNames,
  source: Source,
  tools: RestoreTools,
): Promise<number> {
  const { entry, into } = request;
  const host = await tools.open(entry.server, tools.signal);
  const steps = stepsOn(host, entry, names, tools);
  let made = false;
  try {
    for (const line of await recovered(steps, entry)) tools.report(line);
    const { freeBytes, names: there } = await steps.look();
    requireRoom(freeBytes, source.plainBytes);
    if (into && there.includes(into)) {
      throw failed(`there is a database ${into} on ${entry.server} already. Drop it, or take another name`);
    }
    // Whether a swap is through is told by that name.
    if (!into && there.includes(names.replaced)) {
      throw failed(
        `there is a database ${names.replaced} on ${entry.server} already. Wait a second, and restore again`,
      );
    }
    if (!there.includes(entry.name)) {
      throw failed(`there is no database ${entry.name} on ${entry.server}. Run: pulumi up`);
    }
    if (!into && request.safety) {
      const saved = await runAgent(host, { databases: [entry.name], tag: SAFETY }, () => undefined);
      if (saved.fault)
        throw failed(`the safety backup failed: ${saved.fault}. Without one: --no-safety-backup`);
      tools.report(`safety backup ${saved.manifest?.run} made`);
    }
    made = true;
    await steps.createScratch();
    const options = into ? (entry.engine === "postgres" ? ["--into"] : ["--keep"]) : [];
    const expected = await source.load(steps, options);
    const { length } = Object.keys(expected);
    const lost = countFaults(await steps.countRows(), expected);
    if (lost.length > 0) throw failed(`what was loaded is not what was saved: ${lost.join("; ")}`);
    const faults = await steps.dataFaults();
    if (faults.length > 0 && !request.acceptFaults) {
      throw failed(
        `the data was faulty when it was saved: ${faults.join("; ")}. Restore with --accept-faults`,
      );
    }
    for (const line of faults) tools.report(`accepted: ${line}`);
    tools.report(`loaded; ${rowCount(expected)} rows in ${length} tables are those that were saved`);
    if (into && entry.engine === "mariadb") {
      for (const note of await steps.notes()) tools.report(`note: ${note}`);
    }
    if (!into) await becomeLive(steps, request, names, tools);
    tools.signal.throwIfAborted();
    return rowCount(expected);
  } catch (error) {
    steps.close();
    if (made) await dropScratch(request, names, tools);
    throw error;
  } finally {
    steps.close();
  }
}

/** An earlier swap may have been killed, with the live database half of two. */
function recovered(steps: RestoreSteps, { name, server }: DatabaseEntry): Promise<string[]> {
  return steps.recover().catch((error: unknown) => {
    if (!(error instanceof HostRefusal)) throw error;
    throw new Unheard(
      "unknown",
      `what an earlier restore left cannot be put right: ${error.message}. ${again(name, server)}`,
    );
  });
}

const again = (database: string, server: string) =>
  `Once the database server of ${server} answers and has room, run the restore of ${database} again: it first puts right what was left`;

/** The database's own place: who may connect, and whether what guards its rows is what guards them now. */
async function becomeLive(
  steps: RestoreSteps,
  { entry, acceptFaults }: RestoreRequest,
  names: RestoreNames,
  tools: RestoreTools,
): Promise<void> {
  if (entry.engine === "postgres") {
    const changed = securityFaults(await steps.security(names.scratch), await steps.security(entry.name));
    if (changed.length > 0 && !acceptFaults) {
      const shown = changed.slice(0, 5).join("\n  ");
      const more = changed.length > 5 ? `\n  and ${changed.length - 5} more` : "";
      throw failed(
        `its row security or grants are not as now:\n  ${shown}${more}\n` +
          "Restore with --accept-faults, and run pulumi refresh and pulumi up directly after it",
      );
    }
    for (const line of changed) tools.report(`accepted: ${line}`);
  }
  await steps.adopt();
}

/** Of MariaDB's service by name: a routine that is made anew has lost those that named it. */
async function grants(entry: DatabaseEntry, names: RestoreNames, tools: RestoreTools) {
  const steps = await openSteps(entry, names, tools, tools.signal);
  return steps.security(entry.name).finally(() => steps.close());
}

/** What did not come back as it was. */
async function liveNotes(entry: DatabaseEntry, names: RestoreNames, tools: RestoreTools) {
  if (entry.engine !== "mariadb") return [];
  const steps = await openSteps(entry, names, tools, tools.signal);
  return steps.notes("live").finally(() => steps.close());
}

/** Over a connection of its own, which an interrupt does not end: it is done within a second, or undone. */
async function swap(entry: DatabaseEntry, names: RestoreNames, tools: RestoreTools): Promise<number> {
  const steps = await openSteps(entry, names, tools);
  try {
    return await steps.swap();
  } catch (error) {
    return await outcomeOf(error, entry, names, tools);
  } finally {
    steps.close();
  }
}

/** The swap goes on when the connection breaks, and its server may end amid it: what came of it is asked for on another connection. */
async function outcomeOf(
  error: unknown,
  entry: DatabaseEntry,
  names: RestoreNames,
  tools: RestoreTools,
): Promise<never> {
  let swapped: boolean;
  try {
    const steps = await openSteps(entry, names, tools);
    try {
      swapped = await steps.hasSwapped();
      if (!swapped) await steps.dropScratch().catch(() => undefined);
    } finally {
      steps.close();
    }
  } catch {
    const what = `${messageOf(error)}, while the databases were being swapped`;
    throw new Unheard("unknown", `${what}. ${again(entry.name, entry.server)}`);
  }
  throw new Unheard(swapped ? "replaced" : "untouched", messageOf(error));
}

/** What became of the live database is known from elsewhere than from where it broke off. */
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
  { entry, from }: RestoreRequest,
  names: RestoreNames,
  tools: RestoreTools,
): Promise<void> {
  try {
    const steps = await openSteps(entry, names, tools);
    try {
      if ("at" in from) await steps.pointEnd();
      await steps.dropScratch();
    } finally {
      steps.close();
    }
  } catch (error) {
    tools.report(
      `${names.scratch} stays on ${entry.server} (${messageOf(error)}); the next restore drops it`,
    );
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
