import { Command } from "commander";
import { databases, redisUsers } from "../../estate/catalogue";
import { loadStackConfig } from "../../estate/load";
import { readMigrations } from "../../estate/migrations/read";
import { redisHost } from "../../estate/servers";
import type { GithubTarget, StackConfig } from "../../estate/types";
import { couldNotTell, EXIT, type ExitCode, type Finish, messageOf } from "../exit";
import type { Io } from "../io";
import { checkPrivileges, type Privileges, sound } from "../privileges/check";
import { proveAs } from "../privileges/provers";
import { checkAll, type Reach } from "../reach/check";
import { connectAs } from "../reach/connectors";
import { narrow } from "../reach/only";
import { isTarget, type MinimumVersions, selectTargets } from "../reach/targets";
import { requireWayIn } from "../reach/way-in";
import { renderCheck, renderCheckJson } from "../render/check";
import { renderJson } from "../render/json";
import { renderPrivileges, renderPrivilegesJson } from "../render/privileges";
import { startProgress } from "../render/progress";
import { isRight, renderSecrets, renderSecretsJson } from "../render/secrets";
import { renderWayIn } from "../render/tunnel";
import { checkSecrets } from "../secrets/check";
import { readWritten } from "../secrets/written";
import { resolveStack } from "../stack";
import { readStackOutputs } from "../stack-outputs";
import { checkWayIn } from "../tunnel/check";
import { planTunnel } from "../tunnel/plan";
import { DEFAULT_PORT } from "./tunnel";

const TIMEOUT_MS = 10_000;
const PARALLEL = 8;

interface CheckCommandOptions {
  stack?: string;
  json?: boolean;
  only?: string[];
  privileges?: boolean;
  secrets?: boolean;
  wayIn?: boolean;
}

export function checkCommand(io: Io, finish: Finish): Command {
  return new Command("check")
    .description("Log in to every database as its service, over verified TLS, and show what answers.")
    .option("--stack <name>", "stack to check (default: $PULUMI_STACK, then the selected one)")
    .option("--only <name...>", "only these databases or redis users")
    .option("--privileges", "show what every service can and cannot do, by trying it")
    .option(
      "--secrets",
      "look whether every GitHub secret is there and the stack's own write was the last; needs GITHUB_TOKEN and no server",
    )
    .option(
      "--way-in",
      "show that the tunnel's user on the plesk host forwards to declared endpoints and does nothing else, by trying it",
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Logins come from the stack's outputs, the way in is ALL_PROXY (see: estate tunnel --help).
A login counts when the session is encrypted, in its own database and works as its service, and the server is not
older than the stack's minimumVersion. A certificate that ends within 30 days is warned of.
--privileges tries what each service must be able to do and what it must not, on scratch objects and in
transactions that are rolled back; nothing of it stays. Refused attempts show in the servers' logs.

Examples:
  estate check --stack local
  estate check --stack prod --only mo_crm mo_idp
  estate check --stack prod --privileges
  estate check --stack prod --secrets
  estate check --stack prod --way-in
  estate check --stack prod --json | jq '.results[] | select(.reachable | not)'

Exit codes: 0 all reachable (all as declared), 1 something is not, 2 could not tell (no stack, no outputs, no way in).`,
    )
    .action(async (options: CheckCommandOptions) => finish(await check(io, options)));
}

async function check(io: Io, options: CheckCommandOptions): Promise<ExitCode> {
  const stack = await resolveStack(io, options.stack);
  if (options.secrets) return secrets(io, stack, options);
  if (options.wayIn) return wayIn(io, stack, options);
  const progress = startProgress(io, `reading the outputs of stack ${stack} ...`);
  try {
    const { servers } = stackConfigOf(io, stack);
    const hasRedis = redisHost(servers) !== undefined;
    const declared = narrow({ databases, redisUsers: hasRedis ? redisUsers : [] }, options.only);
    const outputs = await readStackOutputs(io, stack);
    const targets = selectTargets(declared.databases, declared.redisUsers, outputs, minimumVersions(servers));
    progress.show("looking for the way in ...");
    const endpoints = targets.flatMap((target) => (isTarget(target) ? [target.endpoint] : []));
    await requireWayIn(
      endpoints,
      io.env,
      `Open the tunnel: eval "$(npx estate tunnel --stack ${stack} --background)"`,
    );
    let finished = 0;
    progress.show(`0/${targets.length} checked`);
    const bounds = {
      timeoutMs: TIMEOUT_MS,
      parallel: PARALLEL,
      onResult: () => progress.show(`${++finished}/${targets.length} checked`),
    };
    if (options.privileges) {
      // What lies around a service is all that is declared, also where only some services are asked for.
      const prove = proveAs(
        { databases, redisUsers },
        (entry) => readMigrations(entry, io.projectDir),
        io.env,
      );
      const results = await checkPrivileges(targets, { ...bounds, databases, prove });
      progress.end();
      const report = { stack, results };
      io.out(options.json ? renderPrivilegesJson(report) : renderPrivileges(report, { colour: io.colour }));
      return exitCodeForPrivileges(results);
    }
    const results = await checkAll(targets, { ...bounds, connect: connectAs(io.env) });
    progress.end();
    const report = { stack, results };
    io.out(options.json ? renderCheckJson(report) : renderCheck(report, { colour: io.colour }));
    return exitCodeFor(results);
  } finally {
    progress.end();
  }
}

async function secrets(io: Io, stack: string, options: CheckCommandOptions): Promise<ExitCode> {
  const config = stackConfigOf(io, stack);
  const estate = { stack, config, databases, redisUsers: redisHost(config.servers) ? redisUsers : [] };
  const found = await checkSecrets(estate, io.env, (target) => readWritten(io, stack, target));
  // It has a target: without one the check has told so.
  const report = { stack, target: config.github as GithubTarget, secrets: found };
  io.out(options.json ? renderSecretsJson(report) : renderSecrets(report, { colour: io.colour }));
  return found.every(isRight) ? EXIT.done : EXIT.failed;
}

async function wayIn(io: Io, stack: string, options: CheckCommandOptions): Promise<ExitCode> {
  const plan = planTunnel(stackConfigOf(io, stack), redisUsers, DEFAULT_PORT, io);
  const rights = await checkWayIn(plan, io.env, io.cwd);
  io.out(options.json ? renderJson({ stack, user: plan.ssh.user, rights }) : renderWayIn(plan, rights));
  return rights.length === 0 ? EXIT.done : EXIT.failed;
}

/** Nothing checked is nothing known. */
export function exitCodeFor(results: readonly Reach[]): ExitCode {
  if (results.length === 0) return EXIT.unknown;
  return results.every((result) => result.reachable) ? EXIT.done : EXIT.failed;
}

export function exitCodeForPrivileges(results: readonly Privileges[]): ExitCode {
  if (results.length === 0) return EXIT.unknown;
  return results.every(sound) ? EXIT.done : EXIT.failed;
}

function minimumVersions(servers: StackConfig["servers"]): MinimumVersions {
  return Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, server?.minimumVersion]));
}

function stackConfigOf(io: Io, stack: string): StackConfig {
  try {
    return loadStackConfig(stack, io.projectDir);
  } catch (error) {
    throw couldNotTell(messageOf(error));
  }
}
