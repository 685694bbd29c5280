import { Command } from "commander";
import { MariadbServer } from "../../connect/mariadb-server";
import { PostgresServer } from "../../connect/postgres-server";
import { proxyFromEnvironment } from "../../connect/socket";
import { databases } from "../../estate/catalogue";
import type { StackOutputs } from "../../estate/outputs";
import type { ServerName } from "../../estate/types";
import { couldNotTell, EXIT, type ExitCode, type Finish } from "../exit";
import type { Io } from "../io";
import { type Linted, lintAll, lintMariadbServers, selectLinted, selectServers } from "../lint/run";
import { requireWayIn } from "../reach/way-in";
import { renderLint, renderLintJson } from "../render/lint";
import { startProgress } from "../render/progress";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";

interface LintOptions {
  stack?: string;
  json?: boolean;
}

export function lintCommand(io: Io, finish: Finish): Command {
  return new Command("lint")
    .argument("[database...]", "PostgreSQL databases (default: all, and every server)")
    .description("Hold the live servers against the rules of row-level security and of who owns what.")
    .option("--stack <name>", "stack to look at (default: $PULUMI_STACK, then the selected one)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Reads the servers' own catalogues as the admin, and changes nothing: tables, policies, views, functions, roles, grants and
indexes; of MariaDB accounts, grants and definers. Each rule has its severity and how to mend what it finds (docs/lint.md).

Examples:
  estate lint --stack prod
  estate lint --stack prod mcp_portal --json | jq '.results[].findings[]'

Exit codes: 0 clean, 1 findings, 2 could not tell (no stack, no outputs, no way in, a database that does not answer).`,
    )
    .action(async (names: string[], options: LintOptions) => finish(await lint(io, names, options)));
}

function loginTo(admins: StackOutputs["admins"], name: ServerName, stack: string, io: Io) {
  const admin = admins[name];
  if (!admin) {
    throw couldNotTell(
      `stack ${stack} has no login of the admin of ${name} in its outputs. Run: pulumi up --stack ${stack}`,
    );
  }
  const { host, port, user, password, caCertificate, serverName } = admin;
  return [
    { host, port, proxy: proxyFromEnvironment(io.env) },
    { caCertificate, serverName },
    { user, password },
  ] as const;
}

async function lint(io: Io, names: readonly string[], options: LintOptions): Promise<ExitCode> {
  const entries = selectLinted(databases, names);
  const stack = await resolveStack(io, options.stack);
  const progress = startProgress(io, `reading the outputs of stack ${stack} ...`);
  try {
    const { admins } = await readStackOutputs(io, stack);
    const { postgres, mariadb } = selectServers(entries, names);
    const login = (name: ServerName) => loginTo(admins, name, stack, io);
    progress.show("looking for the way in ...");
    await requireWayIn(
      [...postgres, ...mariadb].map((name) => login(name)[0]),
      io.env,
      `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`,
    );
    let finished = 0;
    const all = entries.length + postgres.length + mariadb.length;
    const told = () => progress.show(`${++finished}/${all} looked at`);
    const results: Linted[] = [];
    for (const name of postgres) {
      const server = new PostgresServer(...login(name));
      const own = entries.filter((entry) => entry.server === name);
      results.push(...(await lintAll(server, name, own, told).finally(() => server.close())));
    }
    for (const name of mariadb) {
      const server = new MariadbServer(...login(name));
      results.push(...(await lintMariadbServers({ [name]: server }, told).finally(() => server.close())));
    }
    progress.end();
    const report = { stack, results };
    io.out(options.json ? renderLintJson(report) : renderLint(report, { colour: io.colour }));
    return exitCodeFor(results);
  } finally {
    progress.end();
  }
}

/** A database that could not be asked is not clean, and not faulty. */
export function exitCodeFor(results: readonly Linted[]): ExitCode {
  if (results.length === 0 || results.some(({ error }) => error !== undefined)) return EXIT.unknown;
  return results.every(({ findings }) => findings.length === 0) ? EXIT.done : EXIT.failed;
}
