import { InvalidArgumentError, Option } from "commander";
import { loadStackConfig } from "../../estate/load";
import type { BackupOutput } from "../../estate/outputs";
import type { SavedEntry } from "../../estate/saved";
import { declaredServer, serversOf } from "../../estate/servers";
import type { ServerName, StackConfig } from "../../estate/types";
import { BackupReader } from "../backup/bucket";
import { isRunId } from "../backup/keys";
import { couldNotTell, messageOf } from "../exit";
import type { Io } from "../io";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

/** What the commands that read the bucket share. */

/** The bucket of the stack's outputs, by the reader's key. */
export async function withBucket<T>(
  io: Io,
  { stack: asked }: { stack?: string },
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
  if (isRunId(text)) return text;
  throw new InvalidArgumentError("give a run as the list shows it: 20260131T020000Z-1f2e3d4c.");
}

export function month(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new InvalidArgumentError("give a month as the list shows it: 2026-01.");
}

export function hostsWith<Host extends ServerName>(wanted: readonly { server: Host }[]): Host[] {
  return [...new Set(wanted.map(({ server }) => server))];
}

/** Without the queues of a stack that has no Redis. */
export function inStack<E extends { server: ServerName }>(
  { servers }: StackConfig,
  entries: readonly E[],
): E[] {
  return entries.filter(({ server }) => servers[server] !== undefined);
}

export const fromServerOption = () =>
  new Option(
    "--from-server <name>",
    "from the backups of this server of the catalogue, where the database lived before (default: where it lives)",
  );

/** The entries as they lived on the server of `--from-server`: what is loaded comes from a server of the same engine. */
export function livedOn<E extends SavedEntry>(
  from: string | undefined,
  names: readonly string[],
  entries: readonly E[],
): E[] {
  if (from === undefined) return [...entries];
  if (names.length === 0) throw couldNotTell("--from-server: name the databases that lived there");
  const other = entries.find(({ engine }) => declaredServer(from)?.engine !== engine);
  if (!other) return entries.map((entry) => ({ ...entry, server: from }));
  throw couldNotTell(
    `--from-server ${JSON.stringify(from)}: ${other.name} came from one of: ${serversOf(other.engine).join(", ")}`,
  );
}
