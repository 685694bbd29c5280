/** What a PostgreSQL server calls by itself, as the owner of the database's tables. Schedules are in UTC. */
export interface ScheduledCall {
  name: string;
  /** Minute, hour, day of month, month, day of week. */
  schedule: string;
  call: string;
}

/** Five fields of cron, `0 2 * * *`. */
export const SCHEDULE = /^([-0-9*/,]+ ){4}[-0-9*/,]+$/;

// biome-ignore format: a table reads better with one row a line
export const mcpPortalJobs: readonly ScheduledCall[] = [
  { name: "clean_sessions",        schedule: "*/15 * * * *", call: "internal.clean_sessions()" },
  { name: "refresh_server_usage",  schedule: "5 * * * *",    call: "internal.refresh_server_usage()" },
  { name: "make_audit_partitions", schedule: "10 1 * * *",   call: "internal.make_audit_partitions()" },
  { name: "archive_audit_logs",    schedule: "0 2 * * *",    call: "internal.archive_audit_logs()" },
  { name: "purge_audit_archive",   schedule: "30 2 * * *",   call: "internal.purge_audit_archive()" },
];
