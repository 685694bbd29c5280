import { type Configuration, type Listed, SHAPES } from "./setting";

const { address, number, size } = SHAPES;

/** The server reads so many bytes of a line, and what is behind them as another line. */
const LINE = 4000;

/** What the drop-in of a MariaDB server may set. Names as the server knows them: `-` and `_` are the same. */
export const MARIADB_SETTINGS: Listed = {
  bind_address: address,
  port: number,
  require_secure_transport: /^(?:ON|1)$/,
  tls_version: /^TLSv1\.[23](?:,TLSv1\.3)?$/,
  ssl_cert: /^\/etc\/mysql\/tls\/[\w.-]+$/,
  ssl_key: /^\/etc\/mysql\/tls\/[\w.-]+$/,
  ssl_ca: /^\/etc\/mysql\/tls\/[\w.-]+$/,
  local_infile: /^(?:OFF|0)$/,
  symbolic_links: /^(?:OFF|0)$/,
  skip_name_resolve: /^(?:|ON|1)$/,
  max_password_errors: number,
  max_connect_errors: number,
  // Code that runs inside the server.
  plugin_load_add: /^simple_password_check$/,
  simple_password_check_minimal_length: /^(?:2[4-9]|[3-9]\d)$/,
  simple_password_check_digits: number,
  simple_password_check_letters_same_case: number,
  simple_password_check_other_characters: number,
  strict_password_validation: /^(?:OFF|0|ON|1)$/,
  max_connections: number,
  innodb_buffer_pool_size: size,
  innodb_log_file_size: size,
  tmp_table_size: size,
  max_heap_table_size: size,
  tmp_disk_table_size: size,
  character_set_server: /^utf8mb4$/,
  collation_server: /^utf8mb4_\w+$/,
  slow_query_log: /^(?:ON|OFF|0|1)$/,
  slow_query_log_file: /^\/var\/log\/mysql\/[\w.-]+$/,
  long_query_time: number,
  // Every statement with its values, in clear.
  general_log: /^(?:OFF|0)$/,
  log_bin: /^\/var\/lib\/mysql\/[\w.-]+$/,
  binlog_format: /^ROW$/,
  log_bin_trust_function_creators: /^(?:ON|OFF|0|1)$/,
  sync_binlog: /^1$/,
  innodb_flush_log_at_trx_commit: /^1$/,
  binlog_expire_logs_seconds: number,
  max_binlog_size: size,
  max_statement_time: number,
  max_allowed_packet: size,
  wait_timeout: number,
  interactive_timeout: number,
};

/** Only the group of the server itself: others are read as well, and some of them later. */
export function parseMariadb(text: string): Configuration {
  const read: Configuration = { settings: [], faults: [] };
  let group = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const content = withoutComment(raw).trim();
    const line = index + 1;
    const [, named] = /^\[(.*)\]$/.exec(content) ?? [];
    if (Buffer.byteLength(raw) > LINE)
      read.faults.push(`line ${line} is longer than the server reads at once. Write ${LINE} bytes or fewer`);
    if (content === "") continue;
    if (/[\\\r\v\f]/.test(content))
      read.faults.push(
        `line ${line} has a backslash or a blank that is none to everybody. Write it without, the server reads more in it`,
      );
    if (named !== undefined) {
      group = named.trim();
      if (group !== "mariadbd") read.faults.push(`line ${line} is for the group [${group}]. Use [mariadbd]`);
    } else if (content.startsWith("!")) {
      read.faults.push(`line ${line} includes other files, which nobody judged`);
    } else {
      if (group === "") read.faults.push(`line ${line} belongs to no group`);
      const [, name = content, value = ""] = /^([^=]*?)\s*=\s*(.*)$/.exec(content) ?? [];
      if (!/^(?:[^"']*|"[^"]*"|'[^']*')$/.test(value))
        read.faults.push(`line ${line} has a quote amid its value. Write the whole value in quotes, or none`);
      read.settings.push({ name: name.trim().replaceAll("-", "_"), value: unquoted(value), line });
    }
  }
  return read;
}

/** `#` and `;` begin a line of comment; outside of quotes a `#` ends the line, wherever it stands. */
function withoutComment(line: string): string {
  if (/^\s*[#;]/.test(line)) return "";
  const [kept = ""] = /^(?:[^#"']|(["'])(?:\\.|(?!\1).)*(?:\1|$))*/s.exec(line) ?? [];
  return kept;
}

function unquoted(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
}
