import { type Backup, SAFETY } from "./manifest";

/** The backup to take, or why it must not be taken unasked: the newest, and the last one of the server's former life. */
export type Choice = { backup: Backup } | { newest: Backup; former: Backup };

/**
 * Which of a database's backups, newest first, a restore takes that names none. Not what a restore has saved of what it replaced: that
 * would undo it. And not the newest one of a server that was made anew and is not restored yet: its schedule saves empty
 * databases, and nobody wants those back. undefined: there is none.
 */
export function chooseBackup(backups: readonly Backup[]): Choice | undefined {
  const candidates = backups.filter(({ tag }) => tag !== SAFETY);
  const [newest] = candidates;
  if (!newest) return undefined;
  const former = candidates.find(({ epoch }) => epoch !== newest.epoch);
  if (!former) return { backup: newest };
  const since = candidates.slice(0, candidates.indexOf(former));
  const restored = since.some((backup) => rowsOf(backup) * 2 >= rowsOf(former));
  return restored ? { backup: newest } : { newest, former };
}

/** What was read, newest first, is enough to choose by: the newest, and one of a life before it. */
export function isEnough(backups: readonly Backup[]): boolean {
  const candidates = backups.filter(({ tag }) => tag !== SAFETY);
  return candidates.some(({ epoch }) => epoch !== candidates[0]?.epoch);
}

export function explainChoice({ newest, former }: { newest: Backup; former: Backup }): string {
  const told = ({ run, rows }: Backup) => `run ${run}, ${rowsOf({ rows })} rows`;
  return (
    `${newest.database}: the server was made anew, and since then no backup holds half of what the last one before holds: ` +
    `the newest (${told(newest)}) may be of a database that was not restored yet. The last one before: ${told(former)}. ` +
    `Take that: --former; or name one: --run ${newest.run}`
  );
}

function rowsOf({ rows }: Pick<Backup, "rows">): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}
