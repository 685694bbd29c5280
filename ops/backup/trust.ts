import { engineOn } from "../../estate/saved";
import { beginOf, parseKeyAs, partKeys } from "./keys";
import type { Backup, Manifest } from "./manifest";
import { type StoredObject, show } from "./versions";

/**
 * Whether what a host says of itself goes together with the names of its objects and with when the bucket got them. A host that was taken
 * over can write new objects, never old ones: what claims to be of last month and came today is no backup of last month.
 */

const MINUTE = 60_000;
/** Clocks of hosts and of the bucket differ. */
const SKEW = 15 * MINUTE;
/** A manifest is sent when it is written; tries may take their time. */
const SENDING = 120 * MINUTE;
/** The longest run that systemd lets an agent have, and more. */
const LONGEST = 26 * 60 * MINUTE;

/** What is wrong with the times of something that began, was finished by its own words, and then came to the bucket; undefined: nothing. */
export function timeFault(run: string, finished: string, stored: Date): string | undefined {
  const [began, ended, came] = [beginOf(run).getTime(), Date.parse(finished), stored.getTime()];
  if (ended < began - SKEW || ended > began + LONGEST)
    return `its name says ${run}, and its content that it ended at ${finished}`;
  if (came < ended - SKEW || came > ended + SENDING) {
    return `it says that it ended at ${finished}, and the bucket got it at ${show(stored)}`;
  }
  return undefined;
}

/** What is wrong with a run's manifest; undefined: nothing. */
export function manifestFault(
  manifest: Manifest,
  { parsed, modified }: Pick<StoredObject, "parsed" | "modified">,
): string | undefined {
  if (parsed.kind !== "manifest") return "it is no manifest of a run";
  if (manifest.host !== parsed.host || manifest.run !== parsed.run) {
    return `it says that it is run ${manifest.run} of ${manifest.host}`;
  }
  if (manifest.engine !== engineOn(parsed.host)) return `it says that ${parsed.host} runs ${manifest.engine}`;
  const foreign = manifest.objects.find((object) => !isOwnDump(object, parsed));
  if (foreign)
    return `it names an object that is none of its own run: ${JSON.stringify(foreign.key.slice(0, 200))}`;
  const names = manifest.objects.map(({ database }) => database);
  if (new Set(names).size < names.length) return "it names a database twice";
  return timeFault(manifest.run, manifest.finished, modified);
}

function isOwnDump(
  { key, database }: Manifest["objects"][number],
  { host, run }: { host: string; run: string },
): boolean {
  const dump = parseKeyAs("dump", key);
  return dump?.host === host && dump.run === run && dump.database === database && dump.part === undefined;
}

/** What is wrong with what the bucket holds of a dump; undefined: nothing. `stored`: of its parts, in order; undefined where one is missing. */
export function dumpFault(
  backup: Pick<Backup, "key" | "parts" | "bytes" | "run" | "stored" | "archive">,
  stored: readonly (StoredObject | undefined)[],
): string | undefined {
  const keys = partKeys(backup);
  const missing = keys.find((_, at) => !stored[at]);
  if (missing !== undefined) return `the bucket does not hold ${missing}`;
  const there = stored.filter((each) => each !== undefined);
  const bytes = there.reduce((sum, each) => sum + each.bytes, 0);
  if (bytes !== backup.bytes) return `${backup.key} has ${bytes} bytes; its manifest says ${backup.bytes}`;
  const until = backup.stored ?? new Date();
  const early = beginOf(backup.run).getTime() - SKEW;
  const other = there.find(
    ({ modified }) => modified.getTime() < early || modified.getTime() > until.getTime() + SKEW,
  );
  return (
    other &&
    `the bucket got ${other.key} at ${show(other.modified)}, which is not when run ${backup.run} was at work`
  );
}
