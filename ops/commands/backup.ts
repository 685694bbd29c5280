import { Command, InvalidArgumentError } from "commander";
import { databases, redisUsers } from "../../estate/catalogue";
import { hasAccounts, type SavedEntry } from "../../estate/saved";
import type { ServerName } from "../../estate/types";
import { archivedBackups, findArchived } from "../backup/archive";
import type { BackupReader } from "../backup/bucket";
import { findBackup } from "../backup/find";
import { hostsOf } from "../backup/hosts";
import { ACCOUNTS, type Backup, backupsOf } from "../backup/manifest";
import { backupNow } from "../backup/now";
import { keyFile } from "../backup/open";
import { scanHost } from "../backup/scan";
import { selectSaved } from "../backup/select";
import { type Verification, verifyBackup } from "../backup/verify";
import { couldNotTell, EXIT, type ExitCode, exitCodeOf, type Finish, messageOf } from "../exit";
import { interruptible } from "../interrupt";
import type { Io } from "../io";
import {
  renderArchive,
  renderBackups,
  renderFindings,
  renderRuns,
  renderVerifications,
} from "../render/backup";
import { renderJson } from "../render/json";
import { printable } from "../render/printable";
import { startProgress } from "../render/progress";
import { resolveStack } from "../stack";
import { type BackupStatusOptions, status } from "./backup-status";
import { configOf, fromServerOption, hostsWith, inStack, livedOn, month, runId, withBucket } from "./bucket";

const declared = { databases, redisUsers };

interface BackupOptions extends BackupStatusOptions {
  tag?: string;
  run?: string;
  archive?: boolean;
  month?: string;
  fromServer?: string;
}

export function backupCommand(io: Io, finish: Finish): Command {
  const command = new Command("backup").description(
    "Make, list and check the backups of databases and queues.",
  );
  const add = (
    name: string,
    description: string,
    act: (names: string[], options: BackupOptions) => Promise<ExitCode>,
  ) =>
    command
      .command(name)
      .argument("[database...]", "databases, and queues by their Redis user (default: all)")
      .description(description)
      .option("--stack <name>", "stack to work on (default: $PULUMI_STACK, then the selected one)")
      .option("--json", "print JSON")
      .action(async (names: string[], options: BackupOptions) => finish(await act(names, options)));

  add("now", "Back up now, on all hosts beside each other.", (...given) => now(io, ...given)).option(
    "--tag <word>",
    "why, as the list shows it (default: daily)",
    tag,
  );
  add("list", "Show what the bucket holds, and what somebody has done to it.", (...given) =>
    list(io, ...given),
  )
    .option("--archive", "what the archive holds of each month")
    .addOption(fromServerOption());
  add("status", "Show the newest good backup of each, and whether it is new enough and proven.", (...given) =>
    status(io, ...given),
  );
  add("verify", "Read the newest backup of each to its end, as a restore would.", (...given) =>
    verify(io, ...given),
  )
    .option("--run <id>", "verify this run's", runId)
    .option(
      "--archive",
      "verify the archive's (what lies in the cold tier has to be fetched from there before)",
    )
    .option("--month <month>", "with --archive: of this month, 2026-01 (default: the newest)", month)
    .addOption(fromServerOption());
  return command.addHelpText(
    "after",
    `
list, status and verify read the bucket alone and reach no host. Of each object they read the first version; a later one, a deletion
before its time and an object that is not what its name says are shown as an attack, with exit code 1. verify takes the private
key from the file that BACKUP_KEY_FILE names; nothing it opens is kept.

Examples:
  estate backup now --stack prod mo_crm --tag before-upgrade
  estate backup status --stack prod
  estate backup list --stack prod --archive
  estate backup list --stack prod --from-server postgres mo_grafana
  estate backup verify --stack prod --json | jq '.results[] | select(.fault)'

Exit codes: 0 done (status: all are good), 1 failed (status: one is old, failed, missing or unproven; an attack), 2 could not tell.`,
  );
}

async function now(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const selected = selectSaved(declared, names);
  const stack = await resolveStack(io, options.stack);
  const config = configOf(io, stack);
  const open = hostsOf(config, io.env);
  const wanted = inStack(config, selected);
  const hosts = hostsWith(wanted);
  return interruptible(async (signal) => {
    const runs = await backupNow(
      hosts.map((host) => ({
        host,
        databases: names.length === 0 ? [] : namesOn(wanted, host),
        tag: options.tag,
      })),
      open,
      (line) => io.err(`${printable(line)}\n`),
      signal,
    );
    io.out(options.json ? renderJson({ stack, runs }) : renderRuns(runs, { colour: io.colour }));
    return runs.every(({ fault }) => fault === undefined) ? EXIT.done : EXIT.failed;
  });
}

async function list(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const selected = livedOn(options.fromServer, names, selectSaved(declared, names));
  const isWanted = (database: string) => names.length === 0 || selected.some(({ name }) => name === database);
  return withBucket(io, options, async (reader, stack) => {
    const hosts = hostsWith(inStack(configOf(io, stack), selected));
    await Promise.all(hosts.map((host) => scanHost(reader, host)));
    const backups = options.archive
      ? (await Promise.all(hosts.map((host) => archivedBackups(reader, host, isWanted)))).flat()
      : (await Promise.all(hosts.map((host) => reader.manifests(host, () => false))))
          .flat()
          .flatMap(backupsOf)
          .filter(({ database }) => isWanted(database))
          .sort(newestFirst);
    const { findings } = reader;
    const table = options.archive ? renderArchive(backups) : renderBackups(backups);
    io.out(
      options.json
        ? renderJson({ stack, backups, findings })
        : table + renderFindings(findings, { colour: io.colour }),
    );
    return findings.length === 0 ? EXIT.done : EXIT.failed;
  });
}

async function verify(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const selected = livedOn(options.fromServer, names, selectSaved(declared, names));
  const key = keyFile(io);
  if (options.archive && options.run) throw couldNotTell("--archive goes by the month: --month 2026-01");
  if (options.month && !options.archive) throw couldNotTell("--month is for --archive");
  return withBucket(io, options, (reader, stack) =>
    interruptible(async (signal) => {
      const wanted = inStack(configOf(io, stack), selected);
      const asked = toVerify(wanted, names, options);
      await Promise.all(hostsWith(wanted).map((host) => scanHost(reader, host)));
      const found = await Promise.allSettled(
        asked.map(({ name, server }) => find(reader, name, server, options)),
      );
      const progress = startProgress(io, `0/${asked.length} verified`);
      const results: Verification[] = [];
      const missing: string[] = [];
      try {
        for (const backup of found) {
          if (backup.status === "rejected") {
            if (exitCodeOf(backup.reason) === EXIT.unknown) throw backup.reason;
            missing.push(messageOf(backup.reason));
            continue;
          }
          results.push(await verifyBackup(reader, backup.value, { key, env: io.env, signal }));
          signal.throwIfAborted();
          progress.show(`${results.length}/${asked.length} verified`);
        }
      } finally {
        progress.end();
      }
      const { findings } = reader;
      io.out(
        options.json
          ? renderJson({ stack, results, missing, findings })
          : renderVerifications(results, missing, { colour: io.colour }) +
              renderFindings(findings, { colour: io.colour }),
      );
      const whole = missing.length === 0 && results.every(({ fault }) => fault === undefined);
      return whole && findings.length === 0 ? EXIT.done : EXIT.failed;
    }),
  );
}

function toVerify(wanted: readonly SavedEntry[], names: readonly string[], { archive }: BackupOptions) {
  if (archive) return wanted.filter(({ backup }) => names.length > 0 || backup === "archive");
  const accounts =
    names.length === 0
      ? hostsWith(wanted)
          .filter(hasAccounts)
          .map((server) => ({ name: ACCOUNTS, server }))
      : [];
  return [...wanted.map(({ name, server }) => ({ name, server })), ...accounts];
}

function find(reader: BackupReader, name: string, host: ServerName, options: BackupOptions): Promise<Backup> {
  if (options.archive) return findArchived(reader, name, host, options.month);
  return findBackup(reader, name, host, options.run ? { run: options.run } : "newest");
}

function tag(text: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(text)) return text;
  throw new InvalidArgumentError("use lower-case letters, digits and hyphens.");
}

function namesOn(wanted: readonly SavedEntry[], host: ServerName): string[] {
  return wanted.filter(({ server }) => server === host).map(({ name }) => name);
}

function newestFirst(a: Backup, b: Backup): number {
  if (a.run !== b.run) return a.run < b.run ? 1 : -1;
  return a.database < b.database ? -1 : 1;
}
