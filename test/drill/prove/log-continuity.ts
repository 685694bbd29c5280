import { isLogFile, logGaps, logName } from "../../../ops/restore/point";

/**
 * Whether a server's log goes on from a physical copy without a gap. `keys` as in the bucket, of one server's life; `from`: the file
 * that the copy begins in. In words; none: no gap.
 */
export function gapsFrom(keys: readonly string[], from: string): string[] {
  const files = keys
    .filter((key) => key.endsWith(".zst.age"))
    .map(logName)
    .filter((name) => isLogFile(name) && name >= from)
    .sort();
  const [first] = files;
  if (first === undefined) return [`there is no file of the log from ${from} on`];
  const gaps = logGaps(files);
  return first === from ? gaps : [`the first is ${first} and not ${from}`, ...gaps];
}
