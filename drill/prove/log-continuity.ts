/**
 * Whether files of a server's log follow each other without a gap. A recovery replays them in their order, and one that is missing
 * ends it. `names` as in the bucket, `binlog.000012.zst.age` or `0000000100000002000000FE.zst.age`, of one server's life, from
 * the one that the physical copy begins in (`from`) on. In words; none: no gap.
 */
export function logGaps(names: readonly string[], from: string): string[] {
  const files = names
    .filter((name) => /^(binlog\.\d+|[0-9A-F]{24})\.zst\.age$/.test(name))
    .sort()
    .filter((name) => name >= from);
  if (files.length === 0) return [`there is no file of the log from ${from} on`];
  const gaps = files.slice(1).flatMap((name, at) => {
    const former = files[at] ?? "";
    return numberOf(name) === numberOf(former) + 1 ? [] : [`after ${former} comes ${name}`];
  });
  const [first = ""] = files;
  return first.startsWith(from) ? gaps : [`the first is ${first} and not ${from}`, ...gaps];
}

/** A segment of PostgreSQL counts 256 in its last part, and then one in the part before. */
function numberOf(name: string): number {
  const [, log] = /^binlog\.(\d+)\./.exec(name) ?? [];
  if (log !== undefined) return Number(log);
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16, 24), 16);
}
