import type { ServerName } from "../../estate/types";

/** How one server proves itself and what it asks of who connects. */
export interface TlsSettings {
  /** Oldest protocol that the server speaks. */
  minimumVersion: "TLSv1.2" | "TLSv1.3";
  /** Days before its end at which `up` renews the server's certificate; 1 to 365. */
  renewBefore: number;
  /** What an account must show: SSL: an encrypted connection; X509: a certificate of its own as well. MariaDB only. */
  require: "SSL" | "X509";
}

/**
 * PostgreSQL's clients all speak 1.3. PHP and older connectors of MariaDB and Redis clients do not: their servers speak
 * 1.2 too, and 1.3 to everyone who can.
 */
export const TLS: Readonly<Record<Exclude<ServerName, "plesk"> | "redis", TlsSettings>> = {
  mariadb: { minimumVersion: "TLSv1.2", renewBefore: 60, require: "SSL" },
  postgres: { minimumVersion: "TLSv1.3", renewBefore: 60, require: "SSL" },
  redis: { minimumVersion: "TLSv1.2", renewBefore: 60, require: "SSL" },
};

/** From the oldest version on, `["TLSv1.2", "TLSv1.3"]`. */
export function protocols({ minimumVersion }: Pick<TlsSettings, "minimumVersion">): string[] {
  return minimumVersion === "TLSv1.3" ? ["TLSv1.3"] : ["TLSv1.2", "TLSv1.3"];
}
