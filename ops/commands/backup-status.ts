import { databases, redisUsers } from "../../estate/catalogue";
import { hasAccounts, type SavedEntry } from "../../estate/saved";
import { stackServer, traitsOf } from "../../estate/servers";
import type { BackupClass, ServerName } from "../../estate/types";
import { archivedBackups } from "../backup/archive";
import { type ArchiveStatus, archiveStatus } from "../backup/archive-status";
import type { BackupReader } from "../backup/bucket";
import { ACCOUNTS, type Manifest, SAFETY } from "../backup/manifest";
import { recoveryStatus } from "../backup/recovery-status";
import { scanHost } from "../backup/scan";
import { selectSaved } from "../backup/select";
import { backupStatus, tellsOfAll, type Wanted } from "../backup/status";
import { EXIT, type ExitCode } from "../exit";
import type { Io } from "../io";
import { renderFindings } from "../render/backup";
import { renderBackupStatus } from "../render/backup-status";
import { renderJson } from "../render/json";
import { configOf, hostsWith, inStack, withBucket } from "./bucket";

export interface BackupStatusOptions {
  stack?: string;
  json?: boolean;
}

/** `estate backup status`: of each database and queue the newest good backup and its proof, of each server its log and its physical copy, the archive. */
export async function status(
  io: Io,
  names: readonly string[],
  options: BackupStatusOptions,
): Promise<ExitCode> {
  const selected = selectSaved({ databases, redisUsers }, names);
  return withBucket(io, options, async (reader, stack) => {
    const config = configOf(io, stack);
    const wanted = inStack(config, selected);
    const now = new Date();
    const hosts = hostsWith(wanted);
    await Promise.all(hosts.map((host) => scanHost(reader, host)));
    const perHost = await Promise.all(
      hosts.map((host) => {
        const own = wanted.filter(({ server }) => server === host).map(({ name }) => name);
        const asked = [...own, ...(names.length === 0 && hasAccounts(host) ? [ACCOUNTS] : [])];
        const proves = stackServer(config.servers, host).server.proof;
        return statusOf(
          reader,
          asked.map((database) => ({ database, host, proves })),
          now,
        );
      }),
    );
    const results = perHost.flat();
    const databaseHosts = hostsWith(wanted.filter((entry) => entry.engine !== "redis"));
    const logging = names.length === 0 ? databaseHosts.filter((host) => traitsOf(host).changeLog) : [];
    const recovery = await Promise.all(logging.map((host) => recoveryStatus(reader, host, now)));
    const logs = recovery.map(({ log }) => log);
    const copies = recovery.map(({ copy }) => copy);
    const archives = reader.retention.archive ? await archivesOf(reader, wanted, now) : [];
    const { findings } = reader;
    const all = { results, logs, copies, archives, findings };
    io.out(
      options.json
        ? renderJson({ stack, ...all })
        : renderBackupStatus(all, { colour: io.colour }) + renderFindings(findings, { colour: io.colour }),
    );
    const good =
      [...results, ...logs, ...copies].every(({ state }) => state === "good") &&
      archives.every(({ state }) => state !== "missing");
    return good && findings.length === 0 ? EXIT.done : EXIT.failed;
  });
}

async function statusOf(reader: BackupReader, wanted: readonly Wanted[], now: Date) {
  const [first] = wanted;
  if (!first) return [];
  // A restore's own safety backup is no run that anybody relies on.
  const relied = <M extends Manifest>(read: readonly M[]) => read.filter(({ tag }) => tag !== SAFETY);
  const manifests = relied(
    await reader.manifests(first.host, (read) => tellsOfAll(relied(read), wanted, now)),
  );
  return Promise.all(
    wanted.map((each) => backupStatus(each, manifests, (backup) => reader.dumpFault(backup), now)),
  );
}

const ARCHIVED: BackupClass = "archive";

async function archivesOf(
  reader: BackupReader,
  wanted: readonly SavedEntry[],
  now: Date,
): Promise<ArchiveStatus[]> {
  const kept = wanted.filter(({ backup }) => backup === ARCHIVED);
  const perHost = await Promise.all(
    hostsWith(kept).map(async (host) => {
      const own = kept.filter(({ server }) => server === host).map(({ name }) => name);
      const archived = await archivedBackups(reader, host, (database) => own.includes(database));
      const statuses = await Promise.all(
        own.map(async (database) =>
          archiveStatus({ database, host }, archived, await dumpRuns(reader, host, database), now),
        ),
      );
      return statuses.filter((each) => each !== undefined);
    }),
  );
  return perHost.flat();
}

async function dumpRuns(reader: BackupReader, host: ServerName, database: string): Promise<string[]> {
  const objects = await reader.list(`daily/${host}/${database}/`);
  return objects.flatMap(({ parsed }) => (parsed.kind === "dump" ? [parsed.run] : []));
}
