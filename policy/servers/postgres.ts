import { type Configuration, type Listed, SHAPES } from "./setting";

const { address, number, size } = SHAPES;
const decimal = /^\d+(?:\.\d+)?$/;
const switched = /^(?:on|off|true|false|yes|no|1|0)$/i;
const on = /^(?:on|true|yes|1)$/i;
const off = /^(?:off|false|no|0)$/i;

/** What the drop-in of a PostgreSQL cluster may set. */
export const POSTGRES_SETTINGS: Listed = {
  listen_addresses: address,
  port: number,
  ssl: on,
  ssl_min_protocol_version: /^TLSv1\.3$/,
  ssl_cert_file: /^\/etc\/postgresql\/tls\/[\w.-]+$/,
  ssl_key_file: /^\/etc\/postgresql\/tls\/[\w.-]+$/,
  ssl_ca_file: /^\/etc\/postgresql\/tls\/[\w.-]+$/,
  password_encryption: /^scram-sha-256$/,
  max_connections: number,
  reserved_connections: number,
  superuser_reserved_connections: number,
  shared_buffers: size,
  effective_cache_size: size,
  maintenance_work_mem: size,
  work_mem: size,
  temp_file_limit: size,
  wal_buffers: size,
  min_wal_size: size,
  max_wal_size: size,
  checkpoint_completion_target: decimal,
  default_statistics_target: number,
  random_page_cost: decimal,
  effective_io_concurrency: number,
  max_worker_processes: number,
  max_parallel_workers: number,
  max_parallel_workers_per_gather: number,
  archive_mode: on,
  // A command that the server runs: the agent's and no other.
  archive_command: /^\/usr\/local\/sbin\/estate-wal %p %f$/,
  archive_timeout: number,
  // Code that runs inside the server.
  shared_preload_libraries:
    /^(?:pg_stat_statements|pg_cron|passwordcheck)(?:,(?:pg_stat_statements|pg_cron|passwordcheck))*$/,
  "pg_stat_statements.track": /^(?:all|top|none)$/,
  "cron.database_name": /^postgres$/,
  "cron.use_background_workers": on,
  "cron.max_running_jobs": number,
  // Statements in the log are slow ones, in milliseconds, or none.
  log_min_duration_statement: /^(?:-1|[1-9]\d+)$/,
  log_parameter_max_length: /^0$/,
  log_parameter_max_length_on_error: /^0$/,
  log_statement: /^none$/,
  log_connections: switched,
  log_disconnections: switched,
  log_line_prefix: /^[%\w[\]@/\- ]*$/,
  idle_in_transaction_session_timeout: /^\d+(?:ms|s|min)?$/,
  statement_timeout: /^\d+(?:ms|s|min)?$/,
  lock_timeout: /^\d+(?:ms|s|min)?$/,
  debug_print_parse: off,
};

/** `name = value`, `name value` and `name=value`, names in any case, values in quotes or not. */
export function parsePostgres(text: string): Configuration {
  const read: Configuration = { settings: [], faults: [] };
  for (const [index, raw] of text.split("\n").entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const [all, name = "", quoted, plain] =
      /^([A-Za-z_][\w$.]*)(?:\s*=\s*|\s+)(?:'((?:[^'\\]|''|\\.)*)'|([^\s#']+))\s*(?:#.*)?$/.exec(content) ??
      [];
    if (all === undefined) read.faults.push(`line ${line} is no setting that can be read`);
    else if (/^include(?:_dir|_if_exists)?$/i.test(name)) {
      read.faults.push(`line ${line} includes other files, which nobody judged`);
    } else {
      const value = quoted === undefined ? (plain ?? "") : unquoted(quoted);
      read.settings.push({ name: name.toLowerCase(), value, line });
    }
  }
  return read;
}

/** As the server takes a string in quotes apart. */
function unquoted(text: string): string {
  const letters: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
  return text.replace(/''|\\([0-7]{1,3}|.)/gs, (_all, escaped?: string) => {
    if (escaped === undefined) return "'";
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 0xff);
    return letters[escaped] ?? escaped;
  });
}
