import { Command, InvalidArgumentError } from "commander";
import { databases } from "../../estate/catalogue";
import { loadStackConfig } from "../../estate/load";
import type { BackupOutput } from "../../estate/outputs";
import type { DatabaseEntry, ServerName } from "../../estate/types";
import { BackupReader } from "../backup/bucket";
import { chooseBackup, explainChoice, isEnough } from "../backup/choose";
import { hostsOf } from "../backup/hosts";
import { logStatus } from "../backup/log-status";
import { ACCOUNTS, type Backup, backupsOf, type Manifest, SAFETY } from "../backup/manifest";
import { backupNow } from "../backup/now";
import { keyFile } from "../backup/open";
import { selectDatabases } from "../backup/select";
import { backupStatus, tellsOfAll } from "../backup/status";
import { type Verification, verifyBackup } from "../backup/verify";
import { couldNotTell, EXIT, type ExitCode, exitCodeOf, failed, messageOf } from "../exit";
import { interruptible } from "../interrupt";
import type { Io } from "../io";
import type { Finish } from "../program";
import { renderBackupStatus, renderBackups, renderRuns, renderVerifications } from "../render/backup";
import { renderJson } from "../render/json";
import { startProgress } from "../render/progress";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

interface BackupOptions {
  stack?: string;
  json?: boolean;
  tag?: string;
  run?: string;
}

export function backupCommand(io: Io, finish: Finish): Command {
  const command = new Command("backup").description("Make, list and check the databases' backups.");
  const add = (
    name: string,
    description: string,
    act: (names: string[], options: BackupOptions) => Promise<ExitCode>,
  ) =>
    command
      .command(name)
      .argument("[database...]", "databases (default: all)")
      .description(description)
      .option("--stack <name>", "stack to work on (default: $PULUMI_STACK, then the selected one)")
      .option("--json", "print JSON")
      .action(async (names: string[], options: BackupOptions) => finish(await act(names, options)));

  add("now", "Back up now, on all hosts beside each other.", (...given) => now(io, ...given)).option(
    "--tag <word>",
    "why, as the list shows it (default: daily)",
    tag,
  );
  add("list", "Show what the bucket holds.", (...given) => list(io, ...given));
  add("status", "Show the newest good backup of each, and whether it is new enough.", (...given) =>
    status(io, ...given),
  );
  add("verify", "Read the newest backup of each to its end, as a restore would.", (...given) =>
    verify(io, ...given),
  ).option("--run <id>", "verify this run's", runId);
  return command.addHelpText(
    "after",
    `
list, status and verify read the bucket alone and reach no host. verify takes the private key from the file that
BACKUP_KEY_FILE names; nothing it opens is kept.

Examples:
  estate backup now --stack prod mo_crm --tag before-upgrade
  estate backup status --stack prod
  estate backup verify --stack prod --json | jq '.results[] | select(.fault)'

Exit codes: 0 done (status: all are good), 1 failed (status: one is old, failed or missing), 2 could not tell.`,
  );
}

async function now(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const wanted = selectDatabases(databases, names);
  const stack = await resolveStack(io, options.stack);
  const open = hostsOf(configOf(io, stack), io.env);
  const hosts = hostsWith(wanted);
  return interruptible(async (signal) => {
    const runs = await backupNow(
      hosts.map((host) => ({
        host,
        databases: names.length === 0 ? [] : namesOn(wanted, host),
        tag: options.tag,
      })),
      open,
      (line) => io.err(`${line}\n`),
      signal,
    );
    io.out(options.json ? renderJson({ stack, runs }) : renderRuns(runs, { colour: io.colour }));
    return runs.every(({ fault }) => fault === undefined) ? EXIT.done : EXIT.failed;
  });
}

async function list(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const wanted = selectDatabases(databases, names);
  return withBucket(io, options, async (reader, stack) => {
    const hosts = hostsWith(wanted);
    const manifests = await Promise.all(hosts.map((host) => reader.manifests(host, () => false)));
    const backups = manifests
      .flat()
      .flatMap(backupsOf)
      .filter(({ database }) => (names.length === 0 ? true : wanted.some(({ name }) => name === database)))
      .sort(newestFirst);
    io.out(options.json ? renderJson({ stack, backups }) : renderBackups(backups));
    return EXIT.done;
  });
}

async function status(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const wanted = selectDatabases(databases, names);
  return withBucket(io, options, async (reader, stack) => {
    const hosts = hostsWith(wanted);
    const perHost = await Promise.all(
      hosts.map(async (host) => {
        const asked = [...namesOn(wanted, host), ...(names.length === 0 ? [ACCOUNTS] : [])];
        // A restore's own safety backup is no run that anybody relies on.
        const relied = (read: readonly Manifest[]) => read.filter(({ tag }) => tag !== SAFETY);
        const manifests = relied(await reader.manifests(host, (read) => tellsOfAll(relied(read), asked)));
        return Promise.all(
          asked.map((database) =>
            backupStatus({ database, host }, manifests, (key) => reader.size(key), new Date()),
          ),
        );
      }),
    );
    const results = perHost.flat();
    // The web host's server belongs to its panel, and keeps no log.
    const logging = names.length === 0 ? hosts.filter((host) => host !== "plesk") : [];
    const logs = await Promise.all(
      logging.map((host) => logStatus(host, () => reader.text(`status/${host}/log.json`), new Date())),
    );
    io.out(
      options.json
        ? renderJson({ stack, results, logs })
        : renderBackupStatus(results, logs, { colour: io.colour }),
    );
    return [...results, ...logs].every(({ state }) => state === "good") ? EXIT.done : EXIT.failed;
  });
}

async function verify(io: Io, names: readonly string[], options: BackupOptions): Promise<ExitCode> {
  const wanted = selectDatabases(databases, names);
  const key = keyFile(io);
  return withBucket(io, options, (reader, stack) =>
    interruptible(async (signal) => {
      const asked = [
        ...wanted.map(({ name, server }) => ({ name, server })),
        ...(names.length === 0 ? hostsWith(wanted).map((server) => ({ name: ACCOUNTS, server })) : []),
      ];
      const found = await Promise.allSettled(
        asked.map(({ name, server }) =>
          findBackup(reader, name, server, options.run ? { run: options.run } : "newest"),
        ),
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
      io.out(
        options.json
          ? renderJson({ stack, results, missing })
          : renderVerifications(results, missing, { colour: io.colour }),
      );
      const whole = missing.length === 0 && results.every(({ fault }) => fault === undefined);
      return whole ? EXIT.done : EXIT.failed;
    }),
  );
}

/** `newest` whatever it holds; `full`: none that a server made anew has saved before it was restored; `former`: then the one before. */
export type Wish = { run: string } | "newest" | "full" | "former";

/** A database's backup. Throws "failed" where there is none, or none that may be taken unasked. */
export async function findBackup(
  reader: BackupReader,
  database: string,
  host: ServerName,
  wish: Wish,
): Promise<Backup> {
  const own = (manifests: readonly Manifest[]) =>
    manifests.flatMap(backupsOf).filter((backup) => backup.database === database);
  if (typeof wish === "object") {
    const there = (await reader.runs(host)).includes(wish.run);
    const [found] = there ? own([await reader.manifest(host, wish.run)]) : [];
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

/** What is read of a host at most to find a backup: three months of days, and some runs by hand. */
const MOST_RUNS = 200;

/** The bucket of the stack's outputs, by the reader's key. */
export async function withBucket<T>(
  io: Io,
  { stack: asked }: BackupOptions,
  work: (reader: BackupReader, stack: string, output: BackupOutput) => Promise<T>,
): Promise<T> {
  const stack = await resolveStack(io, asked);
  const { backup } = await readStackOutputs(io, stack);
  if (!backup)
    throw couldNotTell(`stack ${stack} has no backup bucket in its outputs. Run: pulumi up --stack ${stack}`);
  const reader = new BackupReader(backup);
  try {
    return await work(reader, stack, backup);
  } finally {
    await reader.close();
  }
}

export function configOf(io: Io, stack: string) {
  try {
    return loadStackConfig(stack, io.projectDir);
  } catch (error) {
    throw couldNotTell(messageOf(error));
  }
}

export function runId(text: string): string {
  if (/^\d{8}T\d{6}Z$/.test(text)) return text;
  throw new InvalidArgumentError("give a run as the list shows it: 20260131T020000Z.");
}

function tag(text: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(text)) return text;
  throw new InvalidArgumentError("use lower-case letters, digits and hyphens.");
}

function namesOn(wanted: readonly DatabaseEntry[], host: ServerName): string[] {
  return wanted.filter(({ server }) => server === host).map(({ name }) => name);
}

function hostsWith(wanted: readonly DatabaseEntry[]): ServerName[] {
  return [...new Set(wanted.map(({ server }) => server))];
}

function newestFirst(a: Backup, b: Backup): number {
  if (a.run !== b.run) return a.run < b.run ? 1 : -1;
  return a.database < b.database ? -1 : 1;
}
