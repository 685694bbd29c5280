import { endpointOf } from "../../connect/address";
import type { ClientCertificateUse, RedisUse } from "../../estate/types";
import { ARCHIVE_PROGRAM } from "./backup-agent";
import { MARIADB_TLS_DIRECTORY } from "./mariadb-config";
import { POSTGRES_TLS_DIRECTORY } from "./postgres-config";
import { asksClients, clientAuthoritiesFile, REDIS_CLIENTS } from "./redis-config";
import type { RedisSizing } from "./sizing";
import { CLIENT_AUTHORITIES, protocols, type TlsSettings } from "./tls";

const MIB = 1024 * 1024;

/** Settings that keep a server closed: watched in the running server, and not only in its file. */
export interface GuardedArgs extends Pick<TlsSettings, "minimumVersion"> {
  /** Address the server listens on. */
  listen: string;
  port: number;
  /** Whether any service shows a certificate of its own. Default: none does. */
  clientCertificates?: boolean | undefined;
}

export function mariadbGuarded({
  listen,
  port,
  minimumVersion,
  clientCertificates,
}: GuardedArgs): Record<string, string> {
  return {
    bind_address: listen,
    port: String(port),
    require_secure_transport: "ON",
    tls_version: protocols({ minimumVersion }).join(","),
    ...(clientCertificates && { ssl_ca: `${MARIADB_TLS_DIRECTORY}/${CLIENT_AUTHORITIES}` }),
    local_infile: "OFF",
    have_symlink: "DISABLED",
    simple_password_check_minimal_length: "24",
    skip_name_resolve: "ON",
    // What recovery to a point in time stands on.
    log_bin: "ON",
    binlog_format: "ROW",
    sync_binlog: "1",
    innodb_flush_log_at_trx_commit: "1",
  };
}

export function postgresGuarded({
  listen,
  port,
  minimumVersion,
  clientCertificates,
}: GuardedArgs): Record<string, string> {
  return {
    listen_addresses: listen,
    port: String(port),
    ssl: "on",
    ssl_min_protocol_version: minimumVersion,
    ...(clientCertificates && { ssl_ca_file: `${POSTGRES_TLS_DIRECTORY}/${CLIENT_AUTHORITIES}` }),
    password_encryption: "scram-sha-256",
    // What recovery to a point in time stands on.
    archive_mode: "on",
    archive_command: `${ARCHIVE_PROGRAM} %p %f`,
  };
}

/** One instance of Redis: what it holds open, who gets in, and what keeps it from taking more than its share. */
export function redisGuarded({
  user,
  listen,
  port,
  use,
  sizing,
  clientCertificate,
}: Omit<GuardedArgs, "clientCertificates"> & {
  /** ACL user of the service that it is for. */
  user: string;
  use: RedisUse;
  sizing: RedisSizing;
  clientCertificate?: ClientCertificateUse | undefined;
}): Record<string, string> {
  const queue = use === "queue";
  return {
    // The one instance for all that Debian's package starts.
    shared: "closed",
    enabled: "yes",
    unit: "as declared",
    listening: endpointOf(listen, port),
    tls: "TLSv1.3",
    default_user: "off",
    memory_max: String(sizing.process * MIB),
    maxmemory: String(sizing.data * MIB),
    "maxmemory-policy": queue ? "noeviction" : "allkeys-lru",
    maxclients: String(REDIS_CLIENTS),
    appendonly: queue ? "yes" : "no",
    ...(clientCertificate && {
      "tls-auth-clients": asksClients(clientCertificate),
      "tls-ca-cert-file": clientAuthoritiesFile(user),
      "tls-session-caching": "no",
    }),
  };
}
