import Table from "cli-table3";
import { ENGINES, type EngineKind } from "./backup/database";
import { MIB, measureBackups, type Pair, type SizeTimes } from "./backup/measure";

/** The most that a backup and a restore may take: the bare tools' time for the same data and bucket, times this. */
export const BUDGET = { backup: 1.2, restore: 1.5 } as const;

/** MiB of dump; `--sizes 64,256` asks for others. */
const SIZES = [64, 256, 1024];

/** Throws on a list that is none. */
export function sizesOf(args: readonly string[]): number[] {
  const at = args.indexOf("--sizes");
  if (at < 0) return SIZES;
  const sizes = (args[at + 1] ?? "").split(",").map(Number);
  if (sizes.length > 0 && sizes.every((size) => Number.isInteger(size) && size > 0)) return sizes;
  throw new Error(
    `--sizes ${args[at + 1] ?? ""}: give mebibytes of dump with commas between, as 64,256,1024`,
  );
}

/** On throw-away servers and a bucket of their own; about a quarter of an hour, most of it the largest size. Appends to `times`. */
export function backupBench(sizes: readonly number[], times: SizeTimes[]): Promise<void> {
  return measureBackups(sizes, times, (line) => console.error(`measuring backups: ${line}`));
}

const PLAIN = { style: { head: [], border: [] } };
const KINDS = ["backup", "restore"] as const;

export function renderBackups(times: readonly SizeTimes[]): string {
  return [
    "Backup and restore of one database against the bare tools, piped to the same bucket",
    renderTimes(times),
    ...ENGINES.flatMap((engine) => renderGrowth(engine, times)),
    ...times.flatMap(renderParts),
    renderVerdict(times),
  ].join("\n");
}

function renderTimes(times: readonly SizeTimes[]): string {
  const head = [
    "what",
    "engine",
    "dump MiB",
    "in bucket",
    "rows",
    "seconds",
    "MiB/s",
    "bare",
    "MiB/s",
    "ratio",
    "budget",
  ];
  const table = new Table({ head, ...PLAIN });
  for (const kind of KINDS) {
    for (const each of times) {
      const { engine, version, bytes, sealedBytes, rows } = each;
      const { estate, bare } = each[kind];
      table.push([
        kind,
        `${engine} ${version.split(/[- ]/)[0]}`,
        (bytes / MIB).toFixed(0),
        (sealedBytes / MIB).toFixed(0),
        rows,
        estate.toFixed(1),
        (bytes / MIB / estate).toFixed(0),
        bare.toFixed(1),
        (bytes / MIB / bare).toFixed(0),
        (estate / bare).toFixed(2),
        `<= ${BUDGET[kind]}`,
      ]);
    }
  }
  return table.toString();
}

/** Time grows as the size to this power: 1 is in proportion, less where something is paid once. */
export function exponent(small: { bytes: number; seconds: number }, large: typeof small): number {
  return Math.log(large.seconds / small.seconds) / Math.log(large.bytes / small.bytes);
}

function renderGrowth(engine: EngineKind, times: readonly SizeTimes[]): string[] {
  const of = times.filter((each) => each.engine === engine);
  const [small, large] = [of[0], of.at(-1)];
  if (!small || !large || small === large) return [];
  const grown = (kind: (typeof KINDS)[number], who: keyof Pair) => {
    const [a, b] = [small, large].map((each) => ({ bytes: each.bytes, seconds: each[kind][who] }));
    return a && b ? exponent(a, b) : Number.NaN;
  };
  const parts = KINDS.map((kind) => {
    const perMib = large[kind].estate / large.bytes / (small[kind].estate / small.bytes);
    return `${kind} as size^${grown(kind, "estate").toFixed(2)} (bare: ^${grown(kind, "bare").toFixed(2)}), ${perMib.toFixed(2)} times as long for a MiB at ${mib(large)} as at ${mib(small)}`;
  });
  return [`${engine}: time grows for a ${parts.join("; for a ")}.`];
}

function renderParts({ engine, bytes, parts, restore }: SizeTimes): string[] {
  if (!parts) return [];
  const { tool, counted, sealed, sum, upload } = parts;
  const { verified, loaded, all } = restore.parts;
  const s = (seconds: number) => `${seconds.toFixed(1)} s`;
  return [
    `${engine}, ${mib({ bytes })}: the tool's dump alone ${s(tool)}, with its rows counted ${s(counted)}, packed and encrypted ` +
      `${s(sealed)}, its sum ${s(sum)}, to the bucket ${s(upload)}.`,
    `${engine}, ${mib({ bytes })} back: fetched and read to its end ${s(verified)}, loaded, counted and checked ${s(loaded - verified)}, ` +
      `put in the live one's place ${s(all - loaded)}.`,
  ];
}

function renderVerdict(times: readonly SizeTimes[]): string {
  const over = KINDS.flatMap((kind) =>
    times
      .filter((each) => each[kind].estate / each[kind].bare > BUDGET[kind])
      .map(
        (each) =>
          `${kind} of ${each.engine} ${mib(each)} ${(each[kind].estate / each[kind].bare).toFixed(2)}`,
      ),
  );
  const budget = `backup ${BUDGET.backup}, restore ${BUDGET.restore}`;
  return over.length === 0
    ? `All within the budget (${budget}).`
    : `Over the budget (${budget}): ${over.join(", ")}.`;
}

const mib = ({ bytes }: { bytes: number }) => `${(bytes / MIB).toFixed(0)} MiB`;
