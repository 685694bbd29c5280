import { MissingObject } from "./bucket";

/** The promise is five minutes; a run takes its own, and clocks differ. */
export const OLDEST_LOG_MINUTES = 10;

export interface LogStatus {
  host: string;
  state: "good" | "old" | "missing";
  ageMinutes: number | undefined;
  /** What is wrong; undefined: nothing. */
  reason: string | undefined;
}

/** Whether a host's log of changes goes to the bucket: `text` is the content of `status/HOST/log.json`. */
export async function logStatus(host: string, text: () => Promise<string>, now: Date): Promise<LogStatus> {
  let finished: unknown;
  try {
    finished = (JSON.parse(await text()) as { finished?: unknown }).finished;
  } catch (error) {
    if (!(error instanceof MissingObject)) throw error;
    const reason = "its log of changes never came: no recovery to a point in time";
    return { host, state: "missing", ageMinutes: undefined, reason };
  }
  const ageMinutes = (now.getTime() - Date.parse(String(finished))) / 60_000;
  if (ageMinutes <= OLDEST_LOG_MINUTES) return { host, state: "good", ageMinutes, reason: undefined };
  const reason = `its log of changes came ${Math.floor(ageMinutes)} minutes ago, more than ${OLDEST_LOG_MINUTES}; on the host: journalctl -u estate-backup-log`;
  return { host, state: "old", ageMinutes, reason };
}
