import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { Command } from "commander";
import { parse } from "yaml";
import { databases, redisUsers } from "../../estate/catalogue";
import { now } from "../../estate/clock";
import { loadStackConfig } from "../../estate/load";
import { dayOf, isoMoment } from "../../estate/rotation";
import { redisHost, serversOf } from "../../estate/servers";
import type { StackConfig } from "../../estate/types";
import { CommandError, couldNotTell, EXIT, type ExitCode, type Finish, messageOf } from "../exit";
import type { Io } from "../io";
import { narrow } from "../reach/only";
import { renderJson } from "../render/json";
import { startProgress } from "../render/progress";
import { renderRotation, renderRotationJson } from "../render/rotation";
import { type ForcedRotation, withForced } from "../rotate/force";
import { sessionsByRole, statusOf } from "../rotate/status";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

const TIMEOUT_MS = 10_000;

interface RotateOptions {
  stack?: string;
  now?: string[];
  reason?: string;
  status?: boolean;
  json?: boolean;
}

export function rotateCommand(io: Io, finish: Finish): Command {
  return new Command("rotate")
    .description("Show where every password's rotation stands, or force one after a leak.")
    .option("--stack <name>", "stack (default: $PULUMI_STACK, then the selected one)")
    .option("--status", "generation, age and due day of every password, and who still uses the former one")
    .option("--now <name...>", "these databases or redis users leaked theirs: a new one, the old one refused")
    .option("--reason <text>", "why, for --now; goes into the stack's configuration")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Rotations that are due need no command: \`pulumi up\` makes them. --now writes the leak into rotation.forced of
Pulumi.<stack>.yaml and changes nothing else; the \`pulumi up\` it names makes the new password, refuses the old one
at once and ends its sessions. Commit the file: an entry works once, and tells later what happened.

Examples:
  estate rotate --status --stack prod
  estate rotate --status --json | jq '.rotations[] | select(.overdue)'
  estate rotate --now mo_crm --reason "password in a support ticket" --stack prod

Exit codes: 0 done, 1 a rotation is overdue, 2 could not tell, or nothing was written.`,
    )
    .action(async (options: RotateOptions) => finish(await rotate(io, options)));
}

async function rotate(io: Io, options: RotateOptions): Promise<ExitCode> {
  if (options.now && options.status) throw couldNotTell("give --now or --status, not both");
  if (!options.now && !options.status)
    throw couldNotTell("give --status, or --now with the names of what leaked");
  if (options.now && !options.reason?.trim()) throw couldNotTell("--now needs --reason: why is it rotated?");
  const stack = await resolveStack(io, options.stack);
  const config = stackConfigOf(io, stack);
  return options.now ? force(io, stack, config, options) : status(io, stack, config, options);
}

function force(
  io: Io,
  stack: string,
  { servers }: StackConfig,
  { now: names = [], reason = "", json }: RotateOptions,
): ExitCode {
  const declared = narrow({ databases, redisUsers: redisHost(servers) ? redisUsers : [] }, names, "--now");
  const at = isoMoment(now(io.env));
  const entries: ForcedRotation[] = [...declared.databases, ...declared.redisUsers].map(({ name }) => ({
    database: name,
    at,
    reason: reason.trim(),
  }));
  const file = path.join(io.projectDir, `Pulumi.${stack}.yaml`);
  const project = parse(readFileSync(path.join(io.projectDir, "Pulumi.yaml"), "utf8")).name as string;
  writeWhole(file, withForced(readFileSync(file, "utf8"), `${project}:rotation`, entries));
  const command = upCommand(io, stack);
  if (json) io.out(renderJson({ stack, forced: entries, next: command }));
  else {
    const leaked = entries.map(({ database }) => database).join(", ");
    io.out(
      `Pulumi.${stack}.yaml now says that ${leaked} leaked. No password has changed yet. Run:\n  ${command}\n`,
    );
  }
  return EXIT.done;
}

/** With the policies of the stack, where it has some. */
function upCommand(io: Io, stack: string): string {
  const policies = `policy/config.${stack}.json`;
  const flags = existsSync(path.join(io.projectDir, policies))
    ? ` --policy-pack policy --policy-pack-config ${policies}`
    : "";
  return `pulumi up --stack ${stack}${flags}`;
}

/** A file that is half written would stop every command that reads it. */
function writeWhole(file: string, text: string): void {
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, text);
  renameSync(beside, file);
}

async function status(
  io: Io,
  stack: string,
  { rotation }: StackConfig,
  options: RotateOptions,
): Promise<ExitCode> {
  const progress = startProgress(io, `reading the outputs of stack ${stack} ...`);
  try {
    const { rotations, connections, admins } = await readStackOutputs(io, stack);
    if (Object.keys(rotations).length === 0) {
      throw couldNotTell(`stack ${stack} has rotated nothing yet. Run: pulumi up --stack ${stack}`);
    }
    const waiting = serversOf("postgres").filter((name) =>
      Object.values(rotations).some(({ server, formerValid }) => server === name && formerValid),
    );
    const asked = waiting.flatMap((server) => admins[server] ?? []);
    let sessions: Map<string, number> | undefined;
    if (asked.length > 0) {
      progress.show("asking PostgreSQL who is still there ...");
      // The rest is known without a server: a closed tunnel costs this one column.
      sessions = await Promise.all(asked.map((admin) => sessionsByRole(admin, TIMEOUT_MS)))
        .then((found) => new Map(found.flatMap((each) => [...each])))
        .catch((error: unknown) => {
          progress.end();
          io.err(`estate: sessions by former passwords are not known: ${messageOf(error)}\n`);
          return undefined;
        });
    }
    progress.end();
    const today = dayOf(now(io.env));
    const found = statusOf(rotations, connections, rotation.graceDays, today, sessions);
    const report = { stack, today, rotations: found };
    io.out(options.json ? renderRotationJson(report) : renderRotation(report, { colour: io.colour }));
    return found.some(({ overdue }) => overdue) ? EXIT.failed : EXIT.done;
  } finally {
    progress.end();
  }
}

function stackConfigOf(io: Io, stack: string): StackConfig {
  try {
    return loadStackConfig(stack, io.projectDir);
  } catch (error) {
    throw error instanceof CommandError ? error : couldNotTell(messageOf(error));
  }
}
