import { createReadStream, readFileSync } from "node:fs";
import * as path from "node:path";
import type { Readable } from "node:stream";
import * as z from "zod";
import { instanceName } from "../../estate/redis";
import type { QueueEntry } from "../../estate/saved";
import { type DatabaseHost, wholeNumber } from "../backup/hosts";
import { isCount, listOf, parseJson, recordOf } from "../backup/json";
import type { Backup } from "../backup/manifest";
import { failed, messageOf } from "../exit";
import { size } from "../render/backup";
import { printableLine } from "../render/printable";
import { countFaults } from "./compare";
import { fetchBackup } from "./fetch";
import { lockDatabase } from "./host";
import { restoreNames } from "./names";
import { type RestoreResult, requireRoom } from "./run";
import { feed } from "./source";
import { HostSteps } from "./steps";
import type { RestoreTools } from "./tools";

/** What the host says of the files that it has made of a copy. */
const loaded = z.object({ rows: recordOf(isCount), faults: listOf(z.string().max(500), 100) });

/** Steps of a restore on the host of a queue. Throws HostRefusal with the host's own words. */
export class QueueSteps extends HostSteps {
  constructor(host: DatabaseHost, { name }: QueueEntry, replaced: string) {
    super(host, readFileSync(path.join(__dirname, "scripts/redis.sh"), "utf8"), {
      SERVICE: name,
      NAME: instanceName(name),
      REPLACED: replaced,
    });
  }

  async freeBytes(): Promise<number> {
    return wholeNumber((await this.run("look")).trim(), "look");
  }

  /** The files of an instance, beside the live ones. */
  async load(plain: Readable): Promise<z.infer<typeof loaded>> {
    return parseJson(await this.feed("load", plain), loaded, "the host's answer");
  }

  /** Old or new, also when it is killed. Gives for how many ms the instance stood still. */
  async swap(): Promise<number> {
    return wholeNumber((await this.run("swap")).trim(), "swap");
  }
}

/**
 * Restores one queue in its own place. What waited when it was saved is done again, also where it was done since. Never throws for what
 * goes wrong with it: that is the result's fault.
 */
export async function restoreQueue(
  { entry, from }: { entry: QueueEntry; from: Backup },
  tools: RestoreTools,
): Promise<RestoreResult> {
  const began = Date.now();
  const { replaced } = restoreNames(instanceName(entry.name), new Date(began));
  const result: RestoreResult = {
    ...{ database: entry.name, into: entry.name, run: from.run, rows: 0, replaced: undefined },
    ...{ closedMs: undefined, durationMs: 0, fault: undefined },
  };
  const told: RestoreTools = { ...tools, report: (line) => tools.report(`${entry.name}: ${line}`) };
  let live: "untouched" | "replaced" | "unknown" = "untouched";
  let unlock: (() => void) | undefined;
  try {
    unlock = await lockDatabase(await tools.open(entry.server, tools.signal), entry.name);
    result.rows = await prepare(entry, from, replaced, told);
    live = "unknown";
    result.closedMs = await swap(entry, replaced, told).catch(async (error: unknown) => {
      live = (await hasSwapped(entry, replaced, told)) ? "replaced" : "untouched";
      throw error;
    });
    live = "replaced";
    result.replaced = replaced;
    told.report(`restored; it stood still for ${result.closedMs} ms`);
    const wrong = await tools.probe(entry);
    if (wrong) throw failed(`the service's login: ${wrong}`);
  } catch (error) {
    result.fault = { live, reason: tools.signal.aborted ? "interrupted" : messageOf(error) };
  } finally {
    unlock?.();
  }
  return { ...result, durationMs: Date.now() - began };
}

/** Everything before the instance is touched; gives the keys. */
async function prepare(
  entry: QueueEntry,
  from: Backup,
  replaced: string,
  tools: RestoreTools,
): Promise<number> {
  const { file, plainBytes, remove } = await fetchBackup(tools.reader, from, tools);
  const steps = new QueueSteps(await tools.open(entry.server, tools.signal), entry, replaced);
  try {
    tools.report(`run ${from.run} is whole and opens (${size(from.bytes)}, copy ${size(plainBytes)})`);
    for (const note of from.notes ?? []) tools.report(`noted when it was saved: ${note}`);
    for (const line of await steps.recover()) tools.report(line);
    requireRoom(await steps.freeBytes(), plainBytes);
    let counted: z.infer<typeof loaded> | undefined;
    await feed(
      steps,
      createReadStream(file),
      async (plain) => {
        counted = await steps.load(plain);
      },
      tools,
    );
    const wrong = [...countFaults(counted?.rows ?? {}, from.rows), ...(counted?.faults ?? [])];
    if (wrong.length > 0) {
      await steps.dropScratch();
      throw failed(`what was loaded is no queue of this service: ${printableLine(wrong.join("; "))}`);
    }
    const { keys = 0 } = from.rows;
    tools.report(`loaded; ${keys} keys without a lifetime are those that were saved`);
    tools.signal.throwIfAborted();
    return keys;
  } finally {
    steps.close();
    await remove();
  }
}

/** Over a connection of its own, which an interrupt does not end. */
async function swap(entry: QueueEntry, replaced: string, { open }: RestoreTools): Promise<number> {
  const steps = new QueueSteps(await open(entry.server), entry, replaced);
  return steps.swap().finally(() => steps.close());
}

async function hasSwapped(entry: QueueEntry, replaced: string, { open }: RestoreTools): Promise<boolean> {
  const steps = new QueueSteps(await open(entry.server), entry, replaced);
  return steps.hasSwapped().finally(() => steps.close());
}
