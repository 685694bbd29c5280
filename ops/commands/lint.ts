import { Command } from "commander";
import { PostgresServer } from "../../connect/postgres-server";
import { proxyFromEnvironment } from "../../connect/socket";
import { databases } from "../../estate/catalogue";
import { couldNotTell, EXIT, type ExitCode } from "../exit";
import type { Io } from "../io";
import { type Linted, lintAll, selectLinted } from "../lint/run";
import type { Finish } from "../program";
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
    .argument("[database...]", "PostgreSQL databases (default: all)")
    .description("Hold the live PostgreSQL databases against the rules of row-level security.")
    .option("--stack <name>", "stack to look at (default: $PULUMI_STACK, then the selected one)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Reads the servers' own catalogues as the admin, and changes nothing: tables, policies, views, functions, roles, grants and
indexes, each rule with its severity and how to mend what it finds (docs/lint.md).

Examples:
  estate lint --stack prod
  estate lint --stack prod mcp_portal --json | jq '.results[].findings[]'

Exit codes: 0 clean, 1 findings, 2 could not tell (no stack, no outputs, no way in, a database that does not answer).`,
    )
    .action(async (names: string[], options: LintOptions) => finish(await lint(io, names, options)));
}

async function lint(io: Io, names: readonly string[], options: LintOptions): Promise<ExitCode> {
  const entries = selectLinted(databases, names);
  const stack = await resolveStack(io, options.stack);
  const progress = startProgress(io, `reading the outputs of stack ${stack} ...`);
  try {
    const admin = (await readStackOutputs(io, stack)).admins.postgres;
    if (!admin) {
      throw couldNotTell(
        `stack ${stack} has no login of the admin of postgres in its outputs. Run: pulumi up --stack ${stack}`,
      );
    }
    const { host, port, user, password, caCertificate, serverName } = admin;
    progress.show("looking for the way in ...");
    await requireWayIn(
      [{ host, port }],
      io.env,
      `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`,
    );
    const server = new PostgresServer(
      { host, port, proxy: proxyFromEnvironment(io.env) },
      { caCertificate, serverName },
      { user, password },
    );
    let finished = 0;
    const results = await lintAll(server, entries, () =>
      progress.show(`${++finished}/${entries.length + 1} looked at`),
    ).finally(() => server.close());
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
