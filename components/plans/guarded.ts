import { isIP } from "node:net";
import { protocols, type TlsSettings } from "./tls";

/** Settings that keep a server closed: watched in the running server, and not only in its file. */
export interface GuardedArgs extends Pick<TlsSettings, "minimumVersion"> {
  /** Address the server listens on. */
  listen: string;
  port: number;
}

export function mariadbGuarded({ listen, port, minimumVersion }: GuardedArgs): Record<string, string> {
  return {
    bind_address: listen,
    port: String(port),
    require_secure_transport: "ON",
    tls_version: protocols({ minimumVersion }).join(","),
    local_infile: "OFF",
    skip_name_resolve: "ON",
  };
}

export function postgresGuarded({ listen, port, minimumVersion }: GuardedArgs): Record<string, string> {
  return {
    listen_addresses: listen,
    port: String(port),
    ssl: "on",
    ssl_min_protocol_version: minimumVersion,
    password_encryption: "scram-sha-256",
    archive_mode: "on",
  };
}

/** Redis tells its settings to its admin alone; from its host one sees the ports it holds open and what answers there. */
export function redisGuarded({ listen, port }: GuardedArgs): Record<string, string> {
  return { listening: `${isIP(listen) === 6 ? `[${listen}]` : listen}:${port}`, tls: "TLSv1.3" };
}
