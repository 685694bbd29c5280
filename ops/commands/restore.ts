import { Command, InvalidArgumentError, Option } from "commander";
import { databases, redisUsers } from "../../estate/catalogue";
import { beginsWithDay } from "../../estate/clock";
import type { StackOutputs } from "../../estate/outputs";
import type { QueueEntry, SavedEntry } from "../../estate/saved";
import { databaseServer } from "../../estate/servers";
import type { DatabaseEntry } from "../../estate/types";
import { findArchived } from "../backup/archive";
import type { BackupReader } from "../backup/bucket";
import { findBackup, type Wish } from "../backup/find";
import { hostsOf } from "../backup/hosts";
import type { Backup } from "../backup/manifest";
import { keyFile } from "../backup/open";
import { selectDatabases, selectSaved } from "../backup/select";
import { couldNotTell, EXIT, type ExitCode, type Finish, messageOf } from "../exit";
import { interruptible } from "../interrupt";
import type { Io } from "../io";
import { checkAll } from "../reach/check";
import { connectAs } from "../reach/connectors";
import { isTarget, selectTargets } from "../reach/targets";
import { requireWayIn } from "../reach/way-in";
import { renderFindings } from "../render/backup";
import { renderJson } from "../render/json";
import { printable } from "../render/printable";
import { renderRestores } from "../render/restore";
import { fetchAll } from "../restore/cold";
import { RestoreSteps } from "../restore/host";
import { requireNewName, restoreNames } from "../restore/names";
import { findPoint, type PointPlan } from "../restore/point";
import { QueueSteps, restoreQueue } from "../restore/queue";
import { type RestoreResult, restoreDatabase } from "../restore/run";
import type { RestoreTools } from "../restore/tools";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";
import { configOf, fromServerOption, inStack, livedOn, month, runId, withBucket } from "./bucket";

interface RestoreOptions {
  stack?: string;
  json?: boolean;
  all?: boolean;
  run?: string;
  former?: boolean;
  fromServer?: string;
  at?: Date;
  into?: string;
  safetyBackup: boolean;
  acceptFaults?: boolean;
  dropReplaced?: boolean;
  archive?: boolean;
  month?: string;
  yes?: boolean;
}

/** Databases at a time: each loads on its host with one processor, and indexes with more. */
const PARALLEL = 3;
const PROBE_MS = 10_000;

export function restoreCommand(io: Io, finish: Finish): Command {
  return new Command("restore")
    .description("Bring databases and queues back from the bucket.")
    .argument("[database...]", "databases of the catalogue, and queues by their Redis user")
    .option("--stack <name>", "stack to work on (default: $PULUMI_STACK, then the selected one)")
    .option("--all", "every live database; a queue is named, for what waited in it is done again")
    .option(
      "--run <id>",
      "the backup of this run, as `estate backup list` shows it (default: the newest)",
      runId,
    )
    .addOption(
      new Option("--at <time>", "as it was then (2026-01-31T12:00:00Z), from the physical copies and logs")
        .argParser(pointInTime)
        .conflicts("run"),
    )
    .addOption(
      new Option(
        "--former",
        "where a server was made anew and not restored yet: the last backup of the one before",
      ).conflicts("run"),
    )
    .addOption(fromServerOption())
    .addOption(
      new Option("--archive", "from the archive of seven years, which lies in the cold tier").conflicts([
        "run",
        "at",
        "former",
      ]),
    )
    .addOption(
      new Option("--month <month>", "with --archive: of this month, 2026-01 (default: the newest)").argParser(
        month,
      ),
    )
    .option(
      "--yes",
      "with --archive: have it fetched from the cold tier, at the cost that is said, and wait for it",
    )
    .option("--into <name>", "into a new database beside the live one, which stays as it is")
    .option("--no-safety-backup", "do not back up first what is replaced")
    .option(
      "--accept-faults",
      "also with broken keys or sequences, and with row security or grants that are not as now",
    )
    .addOption(
      new Option("--drop-replaced", "drop what earlier restores of these databases have replaced").conflicts([
        "into",
        "run",
        "all",
        "fromServer",
      ]),
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
The private key of age that opens the backups comes from the file that BACKUP_KEY_FILE names. Nothing is touched before the
backup is known to be whole and to open. It is loaded beside the live database and compared with its manifest; then
the two change places while the service's logins are closed. What goes wrong before that, Ctrl-C too, leaves the
live database as it was.

Examples:
  estate restore --stack prod mo_crm
  estate restore --stack prod mo_crm --run 20260131T020000Z-1f2e3d4c --into mo_crm_january
  estate restore --stack prod mo_crm --at 2026-01-31T11:59:00Z --into mo_crm_before
  estate restore --stack prod --all
  estate restore --stack prod --all --former
  estate restore --stack prod mo_grafana --from-server postgres
  estate restore --stack prod mo_consent --archive --month 2026-01 --into mo_consent_january --yes
  estate restore --stack prod mo_crm --drop-replaced
  estate restore --stack prod svc_n8n

Exit codes: 0 restored, 1 one failed, 2 could not tell (no stack, no outputs, no way in, no key).`,
    )
    .action(async (names: string[], options: RestoreOptions) =>
      finish(
        options.dropReplaced ? await dropReplaced(io, names, options) : await restore(io, names, options),
      ),
    );
}

async function restore(io: Io, names: readonly string[], options: RestoreOptions): Promise<ExitCode> {
  const wanted = select(names, options);
  const former = livedOn(options.fromServer, names, wanted);
  const key = keyFile(io);
  if ((options.month || options.yes) && !options.archive)
    throw couldNotTell("--month and --yes are for --archive");
  return withBucket(io, options, (reader, stack) =>
    interruptible(async (signal) => {
      const config = configOf(io, stack);
      const outputs = await readStackOutputs(io, stack);
      if (!options.into) await requireLogins(io, stack, outputs, wanted);
      const sources = await Promise.all(former.map((entry) => sourceOf(reader, entry, options)));
      // Whoever has done it: what is read is what our agents wrote.
      if (reader.findings.length > 0) io.err(`${renderFindings(reader.findings, { colour: io.colour })}\n`);
      if (options.archive) {
        const archived = sources.filter((source): source is Backup => "run" in source);
        await fetchAll(reader, archived, {
          yes: options.yes === true,
          signal,
          report: (line) => io.err(`${printable(line)}\n`),
        });
      }
      const tools: RestoreTools = {
        reader,
        open: hostsOf(config, io.env),
        servers: config.servers,
        key,
        env: io.env,
        signal,
        probe: (entry) => probe(io, outputs, entry),
        report: (line) => io.err(`${printable(line)}\n`),
      };
      const results: RestoreResult[] = [];
      const queue = wanted.entries();
      const work = async () => {
        for (const [index, entry] of queue) {
          const from = sources[index];
          if (!from) continue;
          const { into, safetyBackup: safety, acceptFaults = false } = options;
          const result = isQueue(entry)
            ? await restoreQueue({ entry, from: from as Backup }, tools)
            : await restoreDatabase({ entry, from, into, safety, acceptFaults }, tools);
          if (result.fault) tools.report(`${entry.name}: FAILED: ${result.fault.reason}`);
          results[index] = result;
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, work));
      io.out(options.json ? renderJson({ stack, results }) : renderRestores(results, { colour: io.colour }));
      return results.every(({ fault }) => fault === undefined) ? EXIT.done : EXIT.failed;
    }),
  );
}

function sourceOf(
  reader: BackupReader,
  entry: SavedEntry,
  { at, archive, month, run, former }: RestoreOptions,
): Promise<Backup | PointPlan> {
  const { name, server } = entry;
  if (at && !isQueue(entry)) return findPoint(reader, server, at);
  if (archive) return findArchived(reader, name, server, month);
  const wish: Wish = run ? { run } : former ? "former" : "full";
  return findBackup(reader, name, server, wish);
}

const isQueue = (entry: SavedEntry): entry is QueueEntry => entry.engine === "redis";
const live = <E extends { state: string }>(entries: readonly E[]) =>
  entries.filter(({ state }) => state === "live");

/** What is for databases alone. */
function refuseForQueues(
  names: readonly string[],
  { at, archive, into, acceptFaults }: RestoreOptions,
): void {
  const asked = { "--at": at, "--archive": archive, "--into": into, "--accept-faults": acceptFaults };
  const [option] = Object.entries(asked).find(([, value]) => value) ?? [];
  const [queue] = selectSaved({ databases, redisUsers }, names).filter(isQueue);
  if (option && queue && names.length > 0) {
    throw couldNotTell(
      `${option} is for databases: ${queue.name} is a queue, which is restored as a whole, in its own place`,
    );
  }
}

function select(names: readonly string[], options: RestoreOptions): SavedEntry[] {
  if (options.all ? names.length > 0 : names.length === 0) {
    throw couldNotTell("name the databases to restore, or give --all alone");
  }
  refuseForQueues(names, options);
  if (options.all) return live(databases);
  if (options.into === undefined) {
    return selectSaved({ databases: live(databases), redisUsers: live(redisUsers) }, names);
  }
  if (names.length !== 1) throw couldNotTell("--into is for one database: name it");
  requireNewName(
    options.into,
    databases.map(({ name }) => name),
  );
  return selectDatabases(databases, names);
}

/** Asked before anything begins: a restored database whose service cannot be tried would be half an answer. */
async function requireLogins(
  io: Io,
  stack: string,
  outputs: StackOutputs,
  wanted: readonly SavedEntry[],
): Promise<void> {
  const targets = targetsOf(wanted, outputs);
  const missing = targets.filter((target) => !isTarget(target)).map(({ name }) => name);
  if (missing.length > 0) {
    throw couldNotTell(
      `stack ${stack} has no login of ${missing.join(", ")} in its outputs. Run: pulumi up --stack ${stack}`,
    );
  }
  await requireWayIn(
    targets.flatMap((target) => (isTarget(target) ? [target.endpoint] : [])),
    io.env,
    `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`,
  );
}

function targetsOf(entries: readonly SavedEntry[], outputs: StackOutputs) {
  const queues = entries.filter(isQueue);
  const others = entries.filter((entry): entry is DatabaseEntry => !isQueue(entry));
  return selectTargets(others, queues, outputs);
}

async function probe(io: Io, outputs: StackOutputs, entry: SavedEntry): Promise<string | undefined> {
  const [result] = await checkAll(targetsOf([entry], outputs), {
    connect: connectAs(io.env),
    timeoutMs: PROBE_MS,
    parallel: 1,
  });
  return result?.reachable ? undefined : (result?.reason ?? "it was not tried");
}

async function dropReplaced(io: Io, names: readonly string[], options: RestoreOptions): Promise<ExitCode> {
  if (names.length === 0) throw couldNotTell("--drop-replaced: name the databases");
  const selected = selectSaved({ databases, redisUsers }, names);
  const stack = await resolveStack(io, options.stack);
  const config = configOf(io, stack);
  const wanted = inStack(config, selected);
  const open = hostsOf(config, io.env);
  const results = await Promise.all(
    wanted.map(async (entry) => {
      const { name, server } = entry;
      try {
        const steps = isQueue(entry)
          ? new QueueSteps(await open(server), entry, "")
          : new RestoreSteps(
              await open(server),
              entry,
              restoreNames(name, new Date()),
              databaseServer(config.servers, entry.server).port,
            );
        const dropped = await steps.dropReplaced().finally(() => steps.close());
        return { database: name, dropped };
      } catch (error) {
        return { database: name, dropped: [], fault: messageOf(error) };
      }
    }),
  );
  const words = results.map(({ database, dropped, fault }) =>
    fault ? `${database}: FAILED: ${fault}` : `${database}: dropped ${dropped.join(", ") || "nothing"}`,
  );
  io.out(options.json ? renderJson({ stack, results }) : `${words.join("\n")}\n`);
  return results.some(({ fault }) => fault) ? EXIT.failed : EXIT.done;
}

function pointInTime(text: string): Date {
  const at = new Date(text);
  if (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
    beginsWithDay(text) &&
    !Number.isNaN(at.getTime())
  ) {
    return at;
  }
  throw new InvalidArgumentError(
    "give a time with its zone: 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00.",
  );
}
