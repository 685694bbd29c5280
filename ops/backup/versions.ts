import { type BackupPrefix, keptDays } from "../../components/plans/backup-bucket";
import type { BackupRetention } from "../../estate/types";
import { LARGEST_TEXT } from "./json";
import { type BackupKey, parseKey } from "./keys";

/** A version of a key, or the mark of its deletion, as the bucket lists them. */
export interface ListedVersion {
  key: string;
  /** Null only where the bucket has no versions. */
  versionId: string;
  modified: Date;
  /** undefined: it is the mark of a deletion. */
  bytes: number | undefined;
  /** Its content can only be had after a fetch that takes hours. */
  cold: boolean;
}

/** What is read of a key: its first version, whatever has happened since. */
export interface StoredObject extends ListedVersion {
  bytes: number;
  parsed: BackupKey;
}

/** Something in the bucket that no agent of ours has done. */
export interface Finding {
  key: string;
  /**
   * `overwritten`: there is a later version; `deleted`: before its time; `foreign`: no agent writes such a name; `forged`: what it says
   * does not go together with its name or with when the bucket got it.
   */
  kind: "overwritten" | "deleted" | "foreign" | "forged";
  reason: string;
}

const DAY = 86_400_000;
/** Of one host and kind altogether: many times what its runs of all that is kept write. */
const MOST_TEXT = 128 * 2 ** 20;
const TEXTS: readonly BackupKey["kind"][] = ["manifest", "archive-index", "base", "log-status"];

/**
 * First versions by key, in order of their keys. A writer cannot replace or delete, so later versions and deletions are somebody's who has
 * other rights; the bucket's own, at the end of what is kept, are none, and what it has let go is left out. `listed` as S3 lists: the
 * versions of a key from the newest to the oldest.
 */
export function firstVersions(
  listed: readonly ListedVersion[],
  retention: BackupRetention,
): { objects: StoredObject[]; findings: Finding[] } {
  const byKey = new Map<string, ListedVersion[]>();
  for (const version of listed) byKey.set(version.key, [version, ...(byKey.get(version.key) ?? [])]);
  const objects: StoredObject[] = [];
  const findings: Finding[] = [];
  const kept = keptDays(retention);
  for (const [key, oldestFirst] of [...byKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Stable: of one moment it is the bucket's own order.
    const inOrder = [...oldestFirst].sort((a, b) => a.modified.getTime() - b.modified.getTime());
    const versions = inOrder.filter(({ bytes }) => bytes !== undefined);
    const [first, second] = versions;
    if (!first) continue;
    const found = (kind: Finding["kind"], reason: string) => findings.push({ key, kind, reason });
    const parsed = parseKey(key);
    if (!parsed) {
      found("foreign", "no agent writes an object of this name; it is not read");
      continue;
    }
    const days = kept[key.split("/")[0] as BackupPrefix] ?? 0;
    const expires = first.modified.getTime() + days * DAY;
    const deletions = inOrder.filter(({ bytes }) => bytes === undefined);
    const early = deletions.find(({ modified }) => modified.getTime() < expires);
    if (second) {
      const times = versions.length > 2 ? ` and ${versions.length - 2} times more` : "";
      found(
        "overwritten",
        `written at ${show(first.modified)}, and again at ${show(second.modified)}${times}; the first version is what is read`,
      );
    }
    if (early)
      found(
        "deleted",
        `deleted at ${show(early.modified)}, before its time; its first version is still read`,
      );
    if (!early && deletions.length > 0) continue;
    objects.push({ ...first, bytes: first.bytes ?? 0, parsed });
  }
  const unfit = unreadable(objects);
  for (const [{ key }, reason] of unfit) findings.push({ key, kind: "forged", reason });
  return { objects: objects.filter((object) => !unfit.has(object)), findings };
}

/**
 * What no agent writes, by its place or its size, and why; not read, for one host's objects would end every command for all. What came
 * later counts first as too much.
 */
function unreadable(objects: readonly StoredObject[]): Map<StoredObject, string> {
  const unfit = new Map<StoredObject, string>();
  const sums = new Map<string, number>();
  for (const object of [...objects].sort((a, b) => a.modified.getTime() - b.modified.getTime())) {
    const { parsed, bytes, cold } = object;
    const what = `${parsed.kind} of ${parsed.host}`;
    if (cold && parsed.kind !== "archive") {
      unfit.set(object, "it lies in the cold tier, where no agent writes it; it is not read");
    } else if (TEXTS.includes(parsed.kind)) {
      const sum = (sums.get(what) ?? 0) + bytes;
      if (bytes > LARGEST_TEXT) unfit.set(object, `it has ${bytes} bytes, as no ${what} has; it is not read`);
      else if (sum > MOST_TEXT)
        unfit.set(object, `there is more of every ${what} than it writes; it is not read`);
      else sums.set(what, sum);
    }
  }
  return unfit;
}

export function show(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
