import { X509Certificate } from "node:crypto";
import type { Fault } from "./faults";
import { loginSlots } from "./naming";
import { declaredServer } from "./servers";
import type { DatabaseEntry } from "./types";

/**
 * Certificates that services show when they log in. Each service has an authority of its own, which signs for its logins and
 * for nobody else: a server that trusts it trusts one service, and after a leak that service alone gets another. Pure.
 */

/** Days that a client's certificate lives, and its authority: longer than two periods of a password, so that none ends before it is followed. */
export const CLIENT_LIFE = { certificate: 200, authority: 3650 };

/** Days before their end at which both are renewed by an `up` that rotates nothing. */
export const CLIENT_RENEW_BEFORE = 60;

/** Common name of a service's authority. */
export function clientAuthorityName(service: string): string {
  return `clients of ${service}`;
}

/** A name as OpenSSL writes it on one line, and MariaDB compares it: `/CN=svc_crm`. */
export function distinguishedName(commonName: string): string {
  return `/CN=${commonName}`;
}

/** Whom certificates are made out to: the account on MariaDB, each login slot on PostgreSQL, which compares the name with the login. */
export function certificateLogins({ engine, service }: Pick<DatabaseEntry, "engine" | "service">): string[] {
  return engine === "postgres" ? loginSlots(service) : [service];
}

/** The certificate in a text that holds its private key too; undefined: there is none that can be read. */
export function certificateIn(text: string): X509Certificate | undefined {
  const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text) ?? [];
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The web host's MariaDB is its panel's: what it trusts is not for the program to say. */
export function clientCertificateFaults(databases: readonly DatabaseEntry[]): Fault[] {
  return databases.flatMap(({ name, server, clientCertificate }) =>
    clientCertificate !== undefined && declaredServer(server as string)?.management === "panel"
      ? [
          {
            path: `databases.${name}.clientCertificate`,
            value: clientCertificate,
            fix: "leave it out: the web host's server belongs to its panel, and trusts no authority of ours",
          },
        ]
      : [],
  );
}
