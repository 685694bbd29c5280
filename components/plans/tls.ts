import type { ServerEngine } from "../../estate/types";

/** How a server proves itself. */
export interface TlsSettings {
  /** Oldest protocol that the server speaks. */
  minimumVersion: "TLSv1.2" | "TLSv1.3";
  /** Days before its end at which `up` renews the server's certificate; 1 to 365. */
  renewBefore: number;
}

/** Name of the file, beside a server's certificate, with the authorities of its clients; there where a service has one. */
export const CLIENT_AUTHORITIES = "clients.crt";

/**
 * PostgreSQL's clients all speak 1.3. PHP and older connectors of MariaDB and Redis clients do not: their servers speak
 * 1.2 too, and 1.3 to everyone who can.
 */
export const TLS: Readonly<Record<ServerEngine, TlsSettings>> = {
  mariadb: { minimumVersion: "TLSv1.2", renewBefore: 60 },
  postgres: { minimumVersion: "TLSv1.3", renewBefore: 60 },
  redis: { minimumVersion: "TLSv1.2", renewBefore: 60 },
};

/** From the oldest version on, `["TLSv1.2", "TLSv1.3"]`. */
export function protocols({ minimumVersion }: Pick<TlsSettings, "minimumVersion">): string[] {
  return minimumVersion === "TLSv1.3" ? ["TLSv1.3"] : ["TLSv1.2", "TLSv1.3"];
}
