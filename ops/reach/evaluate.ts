import { certificateIn } from "../../estate/client-certificates";
import { versionAtLeast } from "../../estate/schema";
import type { Expectation } from "./targets";

/** What a session says of itself. */
export interface SessionFacts {
  /** As the server gives it: `17.5 (Debian ...)`, `11.8.3-MariaDB`. */
  version: string;
  /** `TLSv1.3`; empty: the session is not encrypted. */
  tlsProtocol: string;
  /** End of the certificate that the server has shown, as Date reads it. */
  certificateNotAfter: string;
  loggedInAs: string;
  workingAs: string;
  database: string | undefined;
}

/** Why a session, though it is open, is not what was declared; empty when it is. A login alone proves too little. */
export function evaluate(facts: SessionFacts, expected: Expectation): string[] {
  const faults: string[] = [];
  if (!/^TLSv1\.[23]$/.test(facts.tlsProtocol)) {
    faults.push(`the session has no TLS 1.2 or newer (${facts.tlsProtocol || "not encrypted"})`);
  }
  if (facts.loggedInAs !== expected.loggedInAs) {
    faults.push(`logged in as ${facts.loggedInAs}, not as ${expected.loggedInAs}`);
  }
  if (facts.workingAs !== expected.workingAs) {
    faults.push(`works as ${facts.workingAs}, not as ${expected.workingAs}`);
  }
  if (facts.database !== expected.database) {
    faults.push(`is in database ${facts.database ?? "none"}, not in ${expected.database ?? "none"}`);
  }
  const { minimumVersion } = expected;
  if (minimumVersion !== undefined && !versionAtLeast(facts.version, minimumVersion)) {
    faults.push(`runs version ${shortVersion(facts.version)}; the stack asks for ${minimumVersion} or newer`);
  }
  return faults;
}

/** Whole days from `now` (milliseconds) until a certificate ends; negative: it has ended. undefined: not known. */
export function daysLeft(notAfter: string, now: number): number | undefined {
  const end = Date.parse(notAfter);
  return Number.isNaN(end) ? undefined : Math.floor((end - now) / 86_400_000);
}

/** The same of what a service shows, a PEM text; undefined: it has none. */
export function daysLeftOf(clientCertificate: string | undefined, now: number): number | undefined {
  const certificate = clientCertificate === undefined ? undefined : certificateIn(clientCertificate);
  return certificate && daysLeft(certificate.validTo, now);
}

/** `17.5 (Debian 17.5-1)` -> `17.5`, `11.8.3-MariaDB-0+deb13u1` -> `11.8.3`. */
export function shortVersion(version: string): string {
  return /\d+(\.\d+)+/.exec(version)?.[0] ?? version;
}
