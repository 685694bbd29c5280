import { Command, InvalidArgumentError } from "commander";
import { databases } from "../../estate/catalogue";
import type { RunOptions } from "../../migrate/types";
import { couldNotTell, EXIT, type ExitCode, type Finish } from "../exit";
import { interruptible } from "../interrupt";
import type { Io } from "../io";
import { MigratedDatabases } from "../migrate/databases";
import { requireJudged } from "../migrate/judge";
import { operator, runDown, runUp } from "../migrate/run";
import { requireVersion, type Selected, selectMigrations } from "../migrate/select";
import { statusOf } from "../migrate/status";
import { isVerified, verify } from "../migrate/verify";
import { requireWayIn } from "../reach/way-in";
import {
  renderEvent,
  renderMigrationJson,
  renderRun,
  renderStatus,
  renderVerification,
} from "../render/migrate";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

interface MigrateOptions {
  stack?: string;
  json?: boolean;
  to?: number;
  dryRun?: boolean;
  yes?: boolean;
}

export function migrateCommand(io: Io, finish: Finish): Command {
  const command = new Command("migrate").description(
    "Show and move the versions of the databases whose schema this program owns.",
  );
  const add = (name: string, argument: string, description: string) =>
    command
      .command(name)
      .argument(argument, "databases (default: all)")
      .description(description)
      .option("--stack <name>", "stack to work on (default: $PULUMI_STACK, then the selected one)")
      .option("--json", "print JSON");

  add("status", "[database...]", "Show which files are applied and which are pending.").action(
    async (names: string[], options: MigrateOptions) => finish(await status(io, names, options)),
  );
  add("up", "[database...]", "Apply what is pending, as `pulumi up` does.")
    .option("--to <version>", "stop at this version (one database)", version)
    .option("--dry-run", "apply it to a scratch copy of the schema on the same server, and drop that again")
    .action(async (names: string[], options: MigrateOptions) => finish(await up(io, names, options)));
  add("down", "<database>", "Take migrations back, newest first, by their down files.")
    .option("--to <version>", "the version to end at (default: one less)", version)
    .option("--yes", "do it: rows in tables that go are lost")
    .action(async (name: string, options: MigrateOptions) => finish(await down(io, name, options)));
  add("verify", "[database...]", "Compare history, checksums and schema with the files.").action(
    async (names: string[], options: MigrateOptions) => finish(await verifyAll(io, names, options)),
  );
  return command.addHelpText(
    "after",
    `
Examples:
  estate migrate status --stack prod
  estate migrate up --stack prod mcp_portal --dry-run
  estate migrate down --stack prod mcp_portal --to 3 --yes
  estate migrate verify --stack prod --json | jq '.results[] | select(.differences != [])'

Exit codes: 0 done (verify: as the files say), 1 failed, 2 could not tell (no stack, no outputs, no way in).`,
  );
}

function version(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a version as a number, 3 for 0003_name; 0 is before the first.");
}

async function status(io: Io, names: readonly string[], options: MigrateOptions): Promise<ExitCode> {
  return withDatabases(io, names, options, async ({ stack, selected, servers }) => {
    const results = await Promise.all(selected.map((each) => statusOf(each, () => servers.of(each.entry))));
    io.out(
      options.json ? renderMigrationJson({ stack, results }) : renderStatus(results, { colour: io.colour }),
    );
    if (results.some(({ state }) => state === "unknown")) return EXIT.unknown;
    return results.some(({ state }) => state === "faulty") ? EXIT.failed : EXIT.done;
  });
}

async function up(io: Io, names: readonly string[], options: MigrateOptions): Promise<ExitCode> {
  if (options.to !== undefined && names.length !== 1) throw couldNotTell("--to is for one database: name it");
  const { to, dryRun = false } = options;
  return withDatabases(io, names, options, async ({ stack, selected, servers, run }) => {
    requireVersion(selected, to);
    await requireJudged(selected);
    const results = [];
    for (const each of selected) {
      if (each.set) results.push(await runUp(each, servers.of(each.entry), { ...run, to, dryRun }));
    }
    io.out(
      options.json
        ? renderMigrationJson({ stack, dryRun, results })
        : renderRun(results, { direction: "up", dryRun }),
    );
    return results.some(({ error }) => error) ? EXIT.failed : EXIT.done;
  });
}

async function down(io: Io, name: string, options: MigrateOptions): Promise<ExitCode> {
  return withDatabases(io, [name], options, async ({ stack, selected: [one], servers, run }) => {
    if (!one?.set)
      throw couldNotTell(`${name} is migrated by its application: ${one?.entry.schema.reason ?? ""}`);
    const database = servers.of(one.entry);
    const history = await database.store.history();
    if (!history) throw couldNotTell(`there is no database ${name}. Run: pulumi up`);
    const last = history.at(-1)?.version ?? 0;
    const to = options.to ?? Math.max(0, last - 1);
    if (to > last) throw couldNotTell(`--to is ${to}: ${name} is at version ${last}, and down leads back`);
    const affected = history.filter(({ version }) => version > to).map(({ id }) => id);
    if (!options.yes && affected.length > 0) {
      throw couldNotTell(
        `${name}: would take back ${affected.reverse().join(", ")}; rows in what they made are lost. Add --yes to do it`,
      );
    }
    const result = await runDown(one, database, { ...run, to });
    io.out(
      options.json
        ? renderMigrationJson({ stack, to, results: [result] })
        : renderRun([result], { direction: "down", dryRun: false }),
    );
    return result.error ? EXIT.failed : EXIT.done;
  });
}

async function verifyAll(io: Io, names: readonly string[], options: MigrateOptions): Promise<ExitCode> {
  return withDatabases(io, names, options, async ({ stack, selected, servers, run }) => {
    const results = [];
    for (const each of selected) results.push(await verify(each, () => servers.of(each.entry), run));
    io.out(
      options.json
        ? renderMigrationJson({ stack, results })
        : renderVerification(results, { colour: io.colour }),
    );
    if (results.some(({ state }) => state === "unknown")) return EXIT.unknown;
    return results.every(isVerified) ? EXIT.done : EXIT.failed;
  });
}

interface Session {
  stack: string;
  selected: Selected[];
  servers: MigratedDatabases;
  run: RunOptions;
}

/** Reads files and logins, looks for the way in, and closes everything at the end. Ctrl-C ends after the statement at hand. */
async function withDatabases(
  io: Io,
  names: readonly string[],
  options: MigrateOptions,
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const selected = selectMigrations(databases, names, io.projectDir);
  const stack = await resolveStack(io, options.stack);
  const { admins } = await readStackOutputs(io, stack);
  await requireWayIn(
    Object.values(admins).flatMap((admin) => (admin ? [{ host: admin.host, port: admin.port }] : [])),
    io.env,
    `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`,
  );
  const servers = new MigratedDatabases(admins, stack, io.env);
  const report: RunOptions["report"] = (event) => io.err(`${renderEvent(event)}\n`);
  try {
    return await interruptible((signal) =>
      work({ stack, selected, servers, run: { by: operator(), signal, report } }),
    );
  } finally {
    await servers.close();
  }
}
