import * as z from "zod";
import type { ServerName } from "../../estate/types";
import { logFiles, type PhysicalCopy, physicalCopies } from "../restore/point";
import type { BackupReader } from "./bucket";
import { parseJson } from "./json";
import { beginOf } from "./keys";

/** The promise is five minutes; a run takes its own, and clocks differ. */
export const OLDEST_LOG_MINUTES = 10;
/** A copy is made each week. */
export const OLDEST_COPY_DAYS = 8;

export interface LogStatus {
  host: string;
  state: "good" | "old" | "missing";
  ageMinutes: number | undefined;
  /** What is wrong; undefined: nothing. */
  reason: string | undefined;
}

/** The newest word of a host that all of its log is in the bucket: what it says, and when the bucket got it. */
export interface LogWord {
  text: string;
  stored: Date;
}

/** Whether a host's log of changes goes to the bucket. */
export function logStatus(host: string, word: LogWord | undefined, now: Date): LogStatus {
  if (!word) {
    const reason = "its log of changes never came: no recovery to a point in time";
    return { host, state: "missing", ageMinutes: undefined, reason };
  }
  const said = finishedOf(word.text);
  if (said === undefined) {
    return {
      host,
      state: "missing",
      ageMinutes: undefined,
      reason: "what it says of its log of changes is no status",
    };
  }
  const ageMinutes = (now.getTime() - Math.min(said, word.stored.getTime())) / 60_000;
  if (ageMinutes <= OLDEST_LOG_MINUTES) return { host, state: "good", ageMinutes, reason: undefined };
  const reason = `its log of changes came ${Math.floor(ageMinutes)} minutes ago, more than ${OLDEST_LOG_MINUTES}; on the host: journalctl -u estate-backup-log`;
  return { host, state: "old", ageMinutes, reason };
}

/** In ms; undefined: it is no status. */
function finishedOf(text: string): number | undefined {
  try {
    const said = Date.parse(parseJson(text, z.object({ finished: z.string() }), "it").finished);
    return Number.isNaN(said) ? undefined : said;
  } catch {
    return undefined;
  }
}

/** undefined: there is none. A word comes every few minutes: those of this hour and the last are listed first. Throws "could not tell". */
export async function newestLogWord(
  reader: BackupReader,
  host: ServerName,
  now: Date,
): Promise<LogWord | undefined> {
  const hour = (back: number) =>
    new Date(now.getTime() - back * 3_600_000).toISOString().slice(0, 13).replace(/-/g, "");
  const prefix = `status/${host}/log/`;
  for (const below of [hour(0), hour(1), ""]) {
    const words = (await reader.list(`${prefix}${below}`)).filter(
      ({ parsed, modified }) =>
        parsed.kind === "log-status" &&
        Math.abs(beginOf(parsed.run).getTime() - modified.getTime()) < 3_600_000,
    );
    const newest = words.sort((a, b) => (a.key < b.key ? -1 : 1)).at(-1);
    if (newest) return { text: await reader.text(newest.key), stored: newest.modified };
  }
  return undefined;
}

export interface CopyStatus {
  host: string;
  state: "good" | "old" | "unproven" | "missing";
  /** Of the newest; undefined: there is none. */
  run: string | undefined;
  /** Its host could start from it. */
  verified: boolean;
  ageDays: number | undefined;
  /** What is wrong; undefined: nothing. */
  reason: string | undefined;
}

/** Whether there is something that a recovery to a point in time can start from. */
export function copyStatus(host: string, copies: readonly PhysicalCopy[], now: Date): CopyStatus {
  const inOrder = [...copies].sort((a, b) => a.whole.getTime() - b.whole.getTime());
  const newest = inOrder.at(-1);
  const daysOf = ({ whole }: PhysicalCopy) => (now.getTime() - whole.getTime()) / 86_400_000;
  const status = (state: CopyStatus["state"], reason?: string): CopyStatus => ({
    host,
    state,
    run: newest?.run,
    verified: newest?.verified?.ok === true,
    ageDays: newest && daysOf(newest),
    reason,
  });
  const [oldest] = inOrder;
  if (!newest || !oldest)
    return status("missing", "there is no physical copy of it: no recovery to a point in time");
  const { run, verified } = newest;
  if (daysOf(newest) > OLDEST_COPY_DAYS) {
    return status(
      "old",
      `its physical copy is ${Math.floor(daysOf(newest))} days old, more than ${OLDEST_COPY_DAYS}`,
    );
  }
  if (verified && !verified.ok) {
    const why = verified.words ?? "it does not say why";
    return status("unproven", `its physical copy ${run} could not be started from: ${why}`);
  }
  // Of a server that is new one may come.
  if (!verified && daysOf(oldest) > OLDEST_COPY_DAYS) {
    return status("unproven", `its physical copy ${run} was not verified`);
  }
  return status("good");
}

/** Everything of a host that a recovery to a point in time needs. Throws "could not tell". */
export async function recoveryStatus(
  reader: BackupReader,
  host: ServerName,
  now: Date,
): Promise<{ log: LogStatus; copy: CopyStatus }> {
  const [word, copies] = await Promise.all([
    newestLogWord(reader, host, now),
    physicalCopies(reader, host),
    // For what is found there.
    logFiles(reader, host),
  ]);
  return { log: logStatus(host, word, now), copy: copyStatus(host, copies, now) };
}
