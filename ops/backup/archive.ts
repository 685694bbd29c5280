import { createHash } from "node:crypto";
import * as z from "zod";
import { traitsOf } from "../../estate/servers";
import type { ServerName } from "../../estate/types";
import { failed, messageOf } from "../exit";
import type { BackupReader } from "./bucket";
import { parseJson } from "./json";
import { beginOf, parseKeyAs } from "./keys";
import { type Backup, savedObject } from "./manifest";
import { type StoredObject, show } from "./versions";

/** The archive: of each month one dump of a database, in the cold tier; what it is, is told by an index that stays warm. */

const index = z.object({
  run: z.string(),
  host: z.string(),
  engine: z.enum(["mariadb", "postgres"]),
  object: savedObject,
});

const DAY = 86_400_000;
/** What may lie between the end of a month and the day that its archive is written, beside the days that copies stay on the host. */
const LATE_DAYS = 33;

/** Archived dumps of a host, newest month first; of a month and a database it is the first that was written. Throws "could not tell". */
export async function archivedBackups(
  reader: BackupReader,
  host: ServerName,
  wanted: (database: string) => boolean,
): Promise<Backup[]> {
  const objects = await reader.list(`archive-index/${host}/`);
  const first = new Map<string, StoredObject>();
  for (const object of [...objects].sort((a, b) => a.modified.getTime() - b.modified.getTime())) {
    const { parsed, key } = object;
    if (parsed.kind !== "archive-index" || !wanted(parsed.database)) continue;
    const place = `${parsed.month} ${parsed.database}`;
    const before = first.get(place);
    if (before) {
      const reason = `a second archive of ${parsed.database} for that month; the first one (${before.key}) is what is read`;
      reader.notice({ key, kind: "overwritten", reason });
    } else first.set(place, object);
  }
  const read = await Promise.all([...first.values()].map((object) => readIndex(reader, object)));
  return read
    .filter((backup) => backup !== undefined)
    .sort((a, b) => (a.run < b.run ? 1 : a.run > b.run ? -1 : a.database < b.database ? -1 : 1));
}

async function readIndex(reader: BackupReader, stored: StoredObject): Promise<Backup | undefined> {
  const { key } = stored;
  const text = await reader.text(key);
  const forged = (reason: string) => {
    reader.notice({ key, kind: "forged", reason: `${reason}; it is not believed` });
    return undefined;
  };
  let parsed: z.infer<typeof index>;
  try {
    parsed = parseJson(text, index, "it");
  } catch (error) {
    return forged(`it is no index of the archive (${messageOf(error).slice(0, 200)})`);
  }
  const named = parseKeyAs("archive-index", key);
  const dump = parseKeyAs("archive", parsed.object.key);
  const { run, host, engine, object } = parsed;
  if (!named || createHash("sha256").update(text).digest("hex") !== named.sha256)
    return forged("its content is not that of its name");
  const isOwn =
    dump?.host === named.host &&
    host === named.host &&
    dump.database === named.database &&
    object.database === named.database &&
    dump.run === run &&
    dump.sha256 === object.sha256 &&
    dump.part === undefined &&
    run.startsWith(named.month) &&
    engine === traitsOf(named.host).engine;
  if (!isOwn) return forged("it names another host's, database's or month's dump");
  const late = beginOf(run).getTime() + (reader.retention.localDays + LATE_DAYS) * DAY;
  if (stored.modified.getTime() < beginOf(run).getTime() || stored.modified.getTime() > late) {
    return forged(`it is of run ${run}, and the bucket got it at ${show(stored.modified)}`);
  }
  const { durationMs: _, ...saved } = object;
  return {
    ...saved,
    host,
    engine,
    run,
    tag: "archive",
    finished: beginOf(run).toISOString(),
    versions: {},
    stored: stored.modified,
    archive: `${named.month.slice(0, 4)}-${named.month.slice(4)}`,
  };
}

/** The archived dump of a month (undefined: the newest). Throws "failed" where there is none. */
export async function findArchived(
  reader: BackupReader,
  database: string,
  host: ServerName,
  month: string | undefined,
): Promise<Backup> {
  const backups = await archivedBackups(reader, host, (name) => name === database);
  const found = month === undefined ? backups[0] : backups.find(({ archive }) => archive === month);
  if (found) return found;
  const which = month === undefined ? "nothing of it" : `no ${month} of it`;
  throw failed(`${database}: the archive holds ${which}. See: estate backup list --archive ${database}`);
}
