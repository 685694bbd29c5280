import { z } from "zod";
import { type PostgresConnection, PostgresError } from "../../connect/postgres";
import { MAINTENANCE_DATABASE } from "../../connect/postgres-server";
import { SCHEDULE } from "../../estate/jobs";
import { quoteIdentifier as id, PLAIN_NAME } from "../../text/postgres";
import type { Kind, Properties } from "../wire/kind";
import { checkFields, type Field } from "./postgres/check-fields";
import { exclusive } from "./postgres/queue";
import { type PostgresConfig, serverOf } from "./postgres/server";

/** Something that the server calls by itself. */
export interface PostgresJob {
  /** Five fields in UTC, `0 2 * * *`. */
  schedule: string;
  /** NOLOGIN role whose rights it has. `read` may answer `admin`: it works as the admin itself. */
  runAs: string;
  /** `internal.clean_sessions()`. `read` may answer any command. */
  call: string;
}

export interface JobsInputs {
  /** Complete: any other job of the server is unscheduled. By `<database>/<name>`. */
  jobs: Record<string, PostgresJob>;
}

const NAME = /^([a-z_][a-z0-9_]*)\/[a-z_][a-z0-9_]*$/;
const CALL = /^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\([a-z0-9_', ]*\)$/;
const COMMAND = /^SET LOCAL ROLE "([a-z_][a-z0-9_$]*)"; SELECT (.+)$/;
/** pg_cron notes every run and never forgets one by itself. */
const HISTORY = {
  name: `${MAINTENANCE_DATABASE}/forget_runs`,
  schedule: "40 3 * * *",
  command: "DELETE FROM cron.job_run_details WHERE start_time < now() - interval '14 days'",
};

/** How it shows that the job is not there or was changed: nobody declares it. */
const NO_HISTORY: [string, PostgresJob] = [
  HISTORY.name,
  { schedule: "none", runAs: "admin", call: "missing" },
];

const job = z.strictObject({
  schedule: z
    .string("must be a schedule such as */15 * * * *")
    .regex(SCHEDULE, "schedule must be five fields, such as */15 * * * *"),
  runAs: z.string("must be a role").regex(PLAIN_NAME, "runAs must be the role that owns the function"),
  call: z
    .string("must be a call")
    .regex(CALL, "call must be one function with its schema, such as internal.clean_sessions()"),
});

const fields: Record<string, Field> = {
  jobs: {
    schema: z.record(z.string(), z.unknown()).superRefine((jobs, context) => {
      const fail = (message: string) => context.addIssue({ code: "custom", message });
      for (const [name, declared] of Object.entries(jobs)) {
        if (!NAME.test(name)) fail(`"${name}" must be named by database and job: mcp_portal/clean_sessions`);
        for (const { message } of job.safeParse(declared).error?.issues ?? []) fail(`"${name}": ${message}`);
      }
    }),
  },
};

/** `estate:postgres:Jobs`: what a server calls by itself, through pg_cron. One for a server; id and import id: `jobs`. */
export const postgresJobs: Kind<PostgresConfig, JobsInputs> = {
  token: "estate:postgres:Jobs",

  check: (news: Properties) => checkFields(news, fields),

  async create({ config, signal }, inputs) {
    await exclusive(serverOf(config), signal, (maintenance) => converge(maintenance, inputs));
    return { id: "jobs", state: { ...inputs } };
  },

  async read({ config }, jobsId) {
    const found = await serverOf(config).withConnection(MAINTENANCE_DATABASE, readJobs);
    if (!found) return undefined;
    const inputs = {
      jobs: Object.fromEntries([
        ...(found.some(isHistory) ? [] : [NO_HISTORY]),
        ...found.filter((each) => !isHistory(each)).map(asDeclared),
      ]),
    };
    return { id: jobsId, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    await exclusive(serverOf(config), signal, (maintenance) => converge(maintenance, news));
    return { ...news };
  },

  async delete({ config, signal }) {
    await exclusive(serverOf(config), signal, (maintenance) =>
      maintenance.transaction(async () => {
        for (const { jobid } of (await readJobs(maintenance)) ?? []) await unschedule(maintenance, jobid);
      }),
    );
  },
};

interface JobOnServer {
  [column: string]: unknown;
  jobid: string;
  jobname: string | null;
  schedule: string;
  database: string;
  command: string;
  /** The session's own role is the one that scheduled it. */
  mine: boolean;
  active: boolean;
}

/** undefined: the extension is not there. */
async function readJobs(connection: PostgresConnection): Promise<JobOnServer[] | undefined> {
  const [there] = await connection.query("SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'");
  if (!there) return undefined;
  return connection.query<JobOnServer>(
    `SELECT jobid::text, jobname::text, schedule, database, command, username = current_user AS mine, active
     FROM cron.job ORDER BY jobname, jobid`,
  );
}

function isHistory({ jobname, schedule, database, command, mine, active }: JobOnServer): boolean {
  const right = jobname === HISTORY.name && schedule === HISTORY.schedule && command === HISTORY.command;
  return right && database === MAINTENANCE_DATABASE && mine && active;
}

/** What would have to be declared to have it; what nobody can declare shows as a line that differs from any. */
function asDeclared({
  jobid,
  jobname,
  schedule,
  database,
  command,
  mine,
  active,
}: JobOnServer): [string, PostgresJob] {
  const name = jobname ?? `${database}/job ${jobid}`;
  const [, runAs = "admin", call = command] = COMMAND.exec(command) ?? [];
  const odd = [
    ...(mine ? [] : ["scheduled by another role"]),
    ...(active ? [] : ["switched off"]),
    ...(name.startsWith(`${database}/`) ? [] : [`in database ${database}`]),
  ];
  return [name, { schedule, runAs, call: [call, ...odd].join(", ") }];
}

async function converge(maintenance: PostgresConnection, { jobs }: JobsInputs): Promise<void> {
  await requireCron(maintenance);
  await maintenance.transaction(async () => {
    const wanted = new Map(Object.entries(jobs));
    let history = false;
    for (const found of (await readJobs(maintenance)) ?? []) {
      const [name, there] = asDeclared(found);
      const right = wanted.get(name);
      if (isHistory(found)) history = true;
      else if (right && same(right, there)) wanted.delete(name);
      else await unschedule(maintenance, found.jobid);
    }
    for (const [name, { schedule, runAs, call }] of wanted) {
      const [, database = ""] = NAME.exec(name) ?? [];
      // The admin's rights end at the first statement: both are one transaction.
      await scheduleJob(maintenance, name, schedule, `SET LOCAL ROLE ${id(runAs)}; SELECT ${call}`, database);
    }
    if (!history)
      await scheduleJob(maintenance, HISTORY.name, HISTORY.schedule, HISTORY.command, MAINTENANCE_DATABASE);
  });
}

function same(one: PostgresJob, other: PostgresJob): boolean {
  return one.schedule === other.schedule && one.runAs === other.runAs && one.call === other.call;
}

async function scheduleJob(
  maintenance: PostgresConnection,
  name: string,
  schedule: string,
  command: string,
  database: string,
): Promise<void> {
  await maintenance.query("SELECT cron.schedule_in_database($1, $2, $3, $4)", [
    name,
    schedule,
    command,
    database,
  ]);
}

async function unschedule(maintenance: PostgresConnection, jobid: string): Promise<void> {
  await maintenance.query("SELECT cron.unschedule($1::bigint)", [jobid]);
}

/** pg_cron has to be loaded when the server starts, and lives in one database of it. */
async function requireCron(maintenance: PostgresConnection): Promise<void> {
  try {
    await maintenance.query("CREATE EXTENSION IF NOT EXISTS pg_cron");
  } catch (error) {
    const { message, code } = error as PostgresError;
    const fix =
      `pg_cron cannot be used: ${message}. Install the package postgresql-<version>-cron on the server and add pg_cron ` +
      `to shared_preload_libraries, with cron.database_name = '${MAINTENANCE_DATABASE}'`;
    throw error instanceof PostgresError ? new PostgresError(fix, code) : error;
  }
}
