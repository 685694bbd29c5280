import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { endpointOf } from "../../../connect/address";

/** Engines that take a new certificate while they run. */
export const ENGINES = ["mariadb", "postgres", "redis"] as const;
export type Engine = (typeof ENGINES)[number];

/** Days that a new certificate lives, and the host's authority that clients pin. */
export const LIFE = { certificate: 397, authority: 3650 };

const DAY = 86_400_000;

/** What `condition` says of a certificate that needs nothing. */
export const SOUND = "sound";

/** What was found on the host; PEM texts, empty: not there. */
export interface Found {
  authority: string;
  /** Public half of the authority's private key. */
  authorityKey: string;
  certificate: string;
  /** Public half of the server's private key. */
  certificateKey: string;
  /** `600 postgres` */
  keyMode: string;
  /** What the server shows to who connects, each of its instances; empty: nothing answers. */
  shown: string[];
  /** PEM texts of the authorities of clients, as the server has read them last; empty: none. */
  clientAuthorities: string;
}

export interface Wanted {
  name: string;
  owner: string;
}

/** The facts that certificate-inspect.sh prints. */
export function parseFound(text: string): Found {
  const facts = text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [name = "", content = ""] = line.split(" ");
      return { name, content: Buffer.from(content, "base64").toString() };
    });
  const fact = (name: string) => facts.find((one) => one.name === name)?.content ?? "";
  return {
    authority: fact("authority"),
    authorityKey: fact("authorityKey").trim(),
    certificate: fact("certificate"),
    certificateKey: fact("certificateKey").trim(),
    keyMode: fact("keyMode").trim(),
    shown: facts
      .filter(({ name, content }) => name === "shown" && content !== "")
      .map(({ content }) => content),
    clientAuthorities: fact("clientAuthorities"),
  };
}

/** Whether a text is certificates as PEM, one or more, and nothing else. */
export function isPem(text: string): boolean {
  return /^(?:-----BEGIN CERTIFICATE-----\n[\w+/=\n]+-----END CERTIFICATE-----\n)+$/.test(text);
}

/** undefined: the text is no certificate. */
export function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The authority, if it can sign and be trusted; undefined: there is none that is worth keeping. */
export function usableAuthority(
  { authority, authorityKey }: Found,
  now: number,
): X509Certificate | undefined {
  const certificate = parseCertificate(authority);
  if (!certificate?.ca || keyOf(certificate) !== authorityKey) return undefined;
  return Date.parse(certificate.validTo) > now ? certificate : undefined;
}

/** `sound`, or the first thing that is wrong with the certificate beside its age. */
export function condition(found: Found, { name, owner }: Wanted): string {
  const certificate = parseCertificate(found.certificate);
  const authority = parseCertificate(found.authority);
  if (!certificate) return "there is no certificate";
  if (keyOf(certificate) !== found.certificateKey) return "the private key is of another certificate";
  if (!authority || !certificate.verify(authority.publicKey)) return "not signed by this host's authority";
  if (!found.certificate.includes(found.authority.trim())) return "does not come with its authority";
  const named = isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name, { subject: "never" });
  if (!named) return `does not carry the name ${name}`;
  if (found.keyMode !== `600 ${owner}`) return `the private key can be read by others (${found.keyMode})`;
  const shown = found.shown.flatMap((pem) => parseCertificate(pem) ?? []);
  if (shown.some((other) => other.fingerprint256 !== certificate.fingerprint256)) return NOT_SHOWN;
  return SOUND;
}

/** The files are right and the server has not read them. */
export const NOT_SHOWN = "the server shows another certificate";

/** Whether a certificate that ends at `notAfter` (ISO 8601) is to be renewed, `renewBefore` days ahead. */
export function isDue(notAfter: string, renewBefore: number, now: number): boolean {
  // What cannot be read as a time counts as ended.
  return !(Date.parse(notAfter) - renewBefore * DAY > now);
}

/** ISO 8601, `2027-12-23T10:00:00.000Z`. */
export function endOf(certificate: X509Certificate | undefined): string {
  return certificate ? new Date(certificate.validTo).toISOString() : "";
}

function keyOf(certificate: X509Certificate): string {
  return certificate.publicKey.export({ type: "spki", format: "pem" }).toString().trim();
}

/** Arguments of `openssl s_client` that show the certificate of the server on its own host, a line for each port. */
export function shownBy(engine: Engine, address: string, ports: readonly number[]): string {
  // MariaDB turns its own host away on the network, for no account is declared for it; its socket speaks TLS as well.
  if (engine === "mariadb") return "-unix /run/mysqld/mysqld.sock -starttls mysql";
  const protocol = engine === "postgres" ? " -starttls postgres" : "";
  return ports.map((port) => `-connect ${endpointOf(address, port)}${protocol}`).join("\n");
}
