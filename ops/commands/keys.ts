import { Command, InvalidArgumentError } from "commander";
import type { StackOutputs } from "../../estate/outputs";
import { EXIT, type ExitCode, type Finish, failed, messageOf } from "../exit";
import type { Io } from "../io";
import { WrongKey } from "../keys/crypto";
import { adminOf, type OpenDatabase, openSealed, sealedNames } from "../keys/open";
import { AlreadyRotating, rotateKeys } from "../keys/rotate";
import { type DatabaseKeys, statusOf } from "../keys/status";
import { readKeys } from "../keys/store";
import { requireWayIn } from "../reach/way-in";
import {
  complete,
  type RotatedDatabase,
  renderKeys,
  renderKeysJson,
  renderRotation,
  renderRotationJson,
} from "../render/keys";
import { startProgress } from "../render/progress";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

const BATCH = 500;

interface KeysOptions {
  stack?: string;
  database?: string;
  json?: boolean;
}

interface RotateCommandOptions extends KeysOptions {
  batch: number;
}

export function keysCommand(io: Io, finish: Finish): Command {
  const command = new Command("keys").description("Show and rotate the keys that seal settings.");
  command
    .addCommand(statusCommand(io, finish))
    .addCommand(rotateCommand(io, finish))
    .addHelpText(
      "after",
      `
Works as the admin of the stack's outputs; no key is an argument, and none is printed.

Examples:
  estate keys status --stack prod
  estate keys rotate --stack prod --database mcp_portal`,
    );
  return command;
}

function statusCommand(io: Io, finish: Finish): Command {
  return withCommonOptions(new Command("status"))
    .description("Show every key version, and what is to be done.")
    .addHelpText("after", "\nExit codes: 0 nothing to do, 1 something to do, 2 could not tell.")
    .action(async (options: KeysOptions) => {
      const found: DatabaseKeys[] = [];
      const stack = await eachDatabase(io, options, async (database, { session, keys }) => {
        const stored = await session.transaction(() => readKeys(session.connection));
        found.push(statusOf(database, stored, keys, new Date()));
      });
      io.out(options.json ? renderKeysJson(stack, found) : renderKeys(found));
      finish(found.every(({ advice }) => advice.length === 0) ? EXIT.done : EXIT.failed);
    });
}

function rotateCommand(io: Io, finish: Finish): Command {
  return withCommonOptions(new Command("rotate"))
    .description("Make the next key version, seal every setting anew, destroy the old version.")
    .option("--batch <number>", "settings sealed anew in one transaction", parseBatch, BATCH)
    .addHelpText(
      "after",
      `
Readers and writers go on meanwhile. Ctrl-C stops after the batch at hand; the next run goes on there and makes no further
version. A setting that does not open is named, and keeps its version.

Exit codes: 0 done, 1 failed or stopped, 2 could not tell.`,
    )
    .action(async (options: RotateCommandOptions) => finish(await rotate(io, options)));
}

async function rotate(io: Io, options: RotateCommandOptions): Promise<ExitCode> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) process.on(name, interrupt);
  const rotations: RotatedDatabase[] = [];
  try {
    const stack = await eachDatabase(io, options, async (database, { session, keys }) => {
      if (interrupted.signal.aborted) return;
      const progress = startProgress(io, `${database}: making the next version ...`);
      try {
        const rotation = await rotateKeys(session, keys, {
          batch: options.batch,
          signal: interrupted.signal,
          onProgress: (done, total) => progress.show(`${database}: ${done}/${total} settings sealed anew`),
        });
        rotations.push({ database, ...rotation });
      } finally {
        progress.end();
      }
    });
    io.out(options.json ? renderRotationJson(stack, rotations) : renderRotation(rotations));
    return !interrupted.signal.aborted && rotations.every(complete) ? EXIT.done : EXIT.failed;
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** Opens one database after the other; gives the stack's name. */
async function eachDatabase(
  io: Io,
  options: KeysOptions,
  work: (database: string, open: OpenDatabase) => Promise<void>,
): Promise<string> {
  const names = sealedNames(options.database);
  const stack = await resolveStack(io, options.stack);
  const outputs: StackOutputs = await readStackOutputs(io, stack);
  const admins = names.flatMap((name) => adminOf(name, outputs) ?? []);
  const advice = `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`;
  if (admins.length > 0) await requireWayIn(admins, io.env, advice);
  for (const name of names) {
    const open = await openSealed(name, stack, outputs);
    try {
      await work(name, open);
    } catch (error) {
      throw explain(name, error);
    } finally {
      await open.close();
    }
  }
  return stack;
}

function explain(database: string, error: unknown): unknown {
  if (error instanceof AlreadyRotating || error instanceof WrongKey) {
    return failed(`${database}: ${messageOf(error)}`);
  }
  const { code } = error as { code?: string };
  if (code === "55P03") {
    return failed(
      `${database}: somebody has held a setting for ten seconds; end that transaction and run it again`,
    );
  }
  if (code === "42P01" || code === "42883") {
    return failed(`${database}: its migrations are not applied. Run: pulumi up`);
  }
  return failed(`${database}: ${messageOf(error)}`);
}

function withCommonOptions(command: Command): Command {
  return command
    .option("--stack <name>", "stack (default: $PULUMI_STACK, then the selected one)")
    .option("--database <name>", "only this database (default: every sealed one)")
    .option("--json", "print JSON");
}

function parseBatch(text: string): number {
  const batch = Number(text);
  if (Number.isInteger(batch) && batch >= 1 && batch <= 10_000) return batch;
  throw new InvalidArgumentError("Give a whole number from 1 to 10000.");
}
