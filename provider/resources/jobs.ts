import type * as pulumi from "@pulumi/pulumi";
import type { PostgresJob } from "../kinds/postgres-jobs";
import { ServerResource } from "./server";

export type { PostgresJob };

export interface PostgresJobsArgs {
  /** Complete for the server. By `<database>/<name>`. */
  jobs: Record<string, PostgresJob>;
}

/** What a PostgreSQL server calls by itself. Kind: kinds/postgres-jobs.ts */
export class PostgresJobs extends ServerResource {
  constructor(name: string, args: PostgresJobsArgs, opts?: pulumi.CustomResourceOptions) {
    super("estate:postgres:Jobs", name, args, opts);
  }
}
