import { partKeys } from "../../ops/backup/keys";
import { type BackupStore, startBackupStore } from "../../test/support/backups";
import { type BenchDatabase, ENGINES, type EngineKind, startBenchDatabase } from "./database";
import { type BackupParts, type BenchHost, benchHost, type RestoreTimes } from "./host";

export const MIB = 2 ** 20;

/** Seconds of the fastest of the rounds: whatever else the machine does only adds. */
export interface SizeTimes {
  engine: EngineKind;
  version: string;
  /** Of the dump, as the tool writes it. */
  bytes: number;
  /** In the bucket: packed and encrypted. */
  sealedBytes: number;
  rows: number;
  backup: Pair;
  restore: Pair & { parts: RestoreTimes };
  /** Of the largest size alone. */
  parts?: BackupParts;
}

export interface Pair {
  estate: number;
  bare: number;
}

/** More of what is over soon. */
function roundsOf(mebibytes: number): number {
  return mebibytes <= 128 ? 3 : 1;
}

/** `sizes`: mebibytes of the dump. Each goes to `times` when it was measured, so that a later failure does not take it away. */
export async function measureBackups(
  sizes: readonly number[],
  times: SizeTimes[],
  say: (line: string) => void,
): Promise<void> {
  const ascending = [...sizes].sort((a, b) => a - b);
  for (const engine of ENGINES) {
    const database = await startBenchDatabase(engine);
    try {
      for (const size of ascending) {
        say(`${engine}: ${size} MiB ...`);
        await database.fill(size * MIB);
        // A bucket for each size: what the last one left in its memory is gone.
        const store = await startBackupStore();
        try {
          const last = size === ascending.at(-1);
          const measured = await measureSize(engine, database, store, { size, last });
          times.push(measured);
          const { backup, restore } = measured;
          const words = ({ estate, bare }: Pair) => `${estate.toFixed(1)} s, bare ${bare.toFixed(1)} s`;
          say(`${engine}: ${size} MiB: backup ${words(backup)}; restore ${words(restore)}`);
        } finally {
          await store.stop();
        }
      }
    } finally {
      await database.stop();
    }
  }
}

async function measureSize(
  engine: EngineKind,
  database: BenchDatabase,
  store: BackupStore,
  { size, last }: { size: number; last: boolean },
): Promise<SizeTimes> {
  const host = await benchHost(database, store);
  try {
    // Both then read what is in memory, as far as it fits.
    const bytes = await host.dumpBytes();
    const backups: Pair[] = [];
    const restores: (Pair & { parts: RestoreTimes })[] = [];
    let made: Awaited<ReturnType<typeof host.estateBackup>>["backup"] | undefined;
    for (let round = 0; round < roundsOf(size); round++) {
      const estateFirst = round % 2 === 0;
      const pair = await inTurn(
        estateFirst,
        () => estateBackup(host),
        () => bareBackup(host),
      );
      const { backup } = pair.estate;
      backups.push({ estate: pair.estate.seconds, bare: pair.bare });
      const restored = await inTurn(
        estateFirst,
        () => host.estateRestore(backup).finally(() => database.tidy()),
        () => host.bareRestore(backup),
      );
      restores.push({ estate: restored.estate.all, bare: restored.bare, parts: restored.estate });
      for (const key of partKeys(backup)) await store.remove(key);
      made = backup;
    }
    if (!made) throw new Error("nothing was measured");
    const fastest = restores.reduce((best, each) => (each.estate < best.estate ? each : best));
    return {
      engine,
      version: database.version,
      bytes,
      sealedBytes: made.bytes,
      rows: Object.values(made.rows).reduce((sum, each) => sum + each, 0),
      backup: least(backups),
      restore: { ...least(restores), parts: fastest.parts },
      ...(last && { parts: await host.parts() }),
    };
  } finally {
    await host.remove();
  }
}

const estateBackup = (host: BenchHost) => host.estateBackup();
const bareBackup = (host: BenchHost) => host.bareBackup();

/** Each first as often as the other: what is left of one falls on the other. */
async function inTurn<E, B>(
  estateFirst: boolean,
  estate: () => Promise<E>,
  bare: () => Promise<B>,
): Promise<{ estate: E; bare: B }> {
  if (estateFirst) return { estate: await estate(), bare: await bare() };
  const before = await bare();
  return { estate: await estate(), bare: before };
}

function least(pairs: readonly Pair[]): Pair {
  return {
    estate: Math.min(...pairs.map(({ estate }) => estate)),
    bare: Math.min(...pairs.map(({ bare }) => bare)),
  };
}
