import { mariadbSizing, maxConnections } from "./sizing";
import type { TlsSettings } from "./tls";
import { CLIENT_AUTHORITIES, protocols } from "./tls";

export interface MariadbConfigArgs extends Pick<TlsSettings, "minimumVersion"> {
  listen: string;
  port: number;
  memoryMiB: number;
  /** Connection limits of the services on this server. */
  serviceLimits: readonly number[];
  /** Whether any service shows a certificate of its own. Default: none does. */
  clientCertificates?: boolean | undefined;
}

/** TLS files of a MariaDB host. */
export const MARIADB_TLS_DIRECTORY = "/etc/mysql/tls";

/** Drop-in for /etc/mysql/mariadb.conf.d; read last, so it wins over the distribution's. */
export function mariadbConfig({
  listen,
  port,
  memoryMiB,
  serviceLimits,
  minimumVersion,
  clientCertificates,
}: MariadbConfigArgs): string {
  const size = mariadbSizing(memoryMiB);
  return `# Written by the estate program; changes by hand are overwritten.
[mariadbd]
bind-address = ${listen}
port = ${port}

# Only TLS from the network; the local socket stays for root on the host itself.
require_secure_transport = ON
tls_version = ${protocols({ minimumVersion }).join(",")}
ssl_cert = ${MARIADB_TLS_DIRECTORY}/server.crt
ssl_key = ${MARIADB_TLS_DIRECTORY}/server.key
${clientCertificates ? `ssl_ca = ${MARIADB_TLS_DIRECTORY}/${CLIENT_AUTHORITIES}\n` : ""}
# Nothing but rows goes through a connection, and no service says where on the disk its tables lie (DATA DIRECTORY).
local_infile = OFF
symbolic_links = OFF
skip-name-resolve

# A limit on wrong passwords would let whoever is on the web host lock any service out; against guessing stands their length,
# and a service cannot give itself a shorter one. Hashes pass: the program writes no password in clear.
max_password_errors = 4294967295
max_connect_errors = 4294967295
plugin_load_add = simple_password_check
simple_password_check_minimal_length = 24
simple_password_check_digits = 0
simple_password_check_letters_same_case = 0
simple_password_check_other_characters = 0
strict_password_validation = OFF

max_connections = ${maxConnections(serviceLimits)}
innodb_buffer_pool_size = ${size.bufferPool}M
innodb_log_file_size = ${size.logFile}M
tmp_table_size = ${size.temporaryTable}M
max_heap_table_size = ${size.temporaryTable}M

# A row of 100 MB is none that could be written and not replayed. A restore raises it for its own time.
max_allowed_packet = 256M

character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci

# Statements over one second; the file stays on the host.
slow_query_log = ON
slow_query_log_file = /var/log/mysql/mariadb-slow.log
long_query_time = 1
general_log = OFF

# Row-based, synced at commit: what point-in-time recovery replays.
log_bin = /var/lib/mysql/binlog
binlog_format = ROW
# Else nobody without SUPER creates a trigger. What makes that dangerous are statements in the log; these are rows.
log_bin_trust_function_creators = ON
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
binlog_expire_logs_seconds = 604800
max_binlog_size = 128M`;
}
