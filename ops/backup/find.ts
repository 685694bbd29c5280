import type { ServerName } from "../../estate/types";
import { failed } from "../exit";
import type { BackupReader } from "./bucket";
import { chooseBackup, explainChoice, isEnough } from "./choose";
import { type Backup, backupsOf, SAFETY, type StoredManifest } from "./manifest";

/** `newest` whatever it holds; `full`: none that a server made anew has saved before it was restored; `former`: then the one before. */
export type Wish = { run: string } | "newest" | "full" | "former";

/** What is read of a host at most to find a backup: three months of days, a week of hours, and some runs by hand. */
const MOST_RUNS = 200;

/** A database's backup. Throws "failed" where there is none, or none that may be taken unasked. */
export async function findBackup(
  reader: BackupReader,
  database: string,
  host: ServerName,
  wish: Wish,
): Promise<Backup> {
  const own = (manifests: readonly StoredManifest[]) =>
    manifests.flatMap(backupsOf).filter((backup) => backup.database === database);
  if (typeof wish === "object") {
    const there = (await reader.runs(host)).includes(wish.run);
    const manifest = there ? await reader.manifest(host, wish.run) : undefined;
    const [found] = manifest ? own([manifest]) : [];
    if (found) return found;
    throw failed(`${database}: run ${wish.run} holds no backup of it. See: estate backup list ${database}`);
  }
  const backups = own(
    await reader.manifests(
      host,
      (read) =>
        (wish === "newest" ? own(read).some(({ tag }) => tag !== SAFETY) : isEnough(own(read))) ||
        read.length >= MOST_RUNS,
    ),
  );
  const choice = chooseBackup(backups);
  if (!choice) throw failed(`${database}: there is no backup. See: estate backup list ${database}`);
  if ("backup" in choice) return choice.backup;
  if (wish === "full") throw failed(explainChoice(choice));
  return wish === "former" ? choice.former : choice.newest;
}
