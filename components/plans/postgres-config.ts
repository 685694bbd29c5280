import { ARCHIVE_PROGRAM } from "./backup-agent";
import { maxConnections, postgresSizing } from "./sizing";
import { CLIENT_AUTHORITIES, type TlsSettings } from "./tls";

export interface PostgresConfigArgs extends Pick<TlsSettings, "minimumVersion"> {
  listen: string;
  port: number;
  memoryMiB: number;
  /** Connection limits of the services on this server; a service has two login slots while it rotates. */
  serviceLimits: readonly number[];
  /** Whether any service shows a certificate of its own. Default: none does. */
  clientCertificates?: boolean | undefined;
}

/** TLS files of a PostgreSQL host. */
export const POSTGRES_TLS_DIRECTORY = "/etc/postgresql/tls";

/** Drop-in for the cluster's conf.d. */
export function postgresConfig({
  listen,
  port,
  memoryMiB,
  serviceLimits,
  minimumVersion,
  clientCertificates,
}: PostgresConfigArgs): string {
  const size = postgresSizing(memoryMiB);
  return `# Written by the estate program; changes by hand are overwritten.
listen_addresses = '${listen}'
port = ${port}

ssl = on
ssl_min_protocol_version = '${minimumVersion}'
ssl_cert_file = '${POSTGRES_TLS_DIRECTORY}/server.crt'
ssl_key_file = '${POSTGRES_TLS_DIRECTORY}/server.key'
${clientCertificates ? `ssl_ca_file = '${POSTGRES_TLS_DIRECTORY}/${CLIENT_AUTHORITIES}'\n` : ""}password_encryption = 'scram-sha-256'

# The admin gets in when the services have used up theirs.
max_connections = ${maxConnections(serviceLimits.flatMap((limit) => [limit, limit]))}
reserved_connections = 5
superuser_reserved_connections = 5

shared_buffers = ${size.sharedBuffers}MB
effective_cache_size = ${size.effectiveCacheSize}MB
maintenance_work_mem = ${size.maintenanceWorkMem}MB
work_mem = ${size.workMem}MB
wal_buffers = 16MB
min_wal_size = ${size.minWalSize}MB
max_wal_size = ${size.maxWalSize}MB
checkpoint_completion_target = 0.9
default_statistics_target = 100
random_page_cost = 1.1
effective_io_concurrency = 200
max_worker_processes = 8
max_parallel_workers = 8
max_parallel_workers_per_gather = 4

# What changed is handed to the backup at least every four minutes, so no more than five are ever lost.
archive_mode = on
archive_command = '${ARCHIVE_PROGRAM} %p %f'
archive_timeout = 240

# passwordcheck: a role that changes its own password cannot make it a short one.
shared_preload_libraries = 'pg_stat_statements,pg_cron,passwordcheck'
pg_stat_statements.track = all

# Jobs need no login of their own: they run in the server's own processes. What they do is declared in the program.
cron.database_name = 'postgres'
cron.use_background_workers = on
cron.max_running_jobs = 3

# Statements over 100 ms, without their parameters: those may be personal data.
log_min_duration_statement = 100
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_statement = 'none'
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %q%u@%d/%a '`;
}
