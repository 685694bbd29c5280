import { createPrivateKey, webcrypto } from "node:crypto";
// Loaded when something is issued: a preview issues nothing.
import type * as x509 from "@peculiar/x509";

/** Certificates of clients: X.509 version 3, ECDSA on P-256. Nothing is read from or written to anywhere. */

/** A key and its certificate, each as PEM. */
export interface Identity {
  certificate: string;
  privateKey: string;
}

/** From when on and until when, in milliseconds since 1970. */
export interface Validity {
  from: number;
  until: number;
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** One that signs certificates of clients and no further authority. */
export async function issueAuthority(commonName: string, { from, until }: Validity): Promise<Identity> {
  const lib = await library();
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await lib.X509CertificateGenerator.createSelfSigned({
    name: nameOf(commonName),
    keys,
    notBefore: new Date(from),
    notAfter: new Date(until),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new lib.BasicConstraintsExtension(true, 0, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign, true),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return identity(certificate, keys.privateKey);
}

/** One that a client proves itself by, and no server. */
export async function issueClient(
  authority: Identity,
  commonName: string,
  { from, until }: Validity,
): Promise<Identity> {
  const lib = await library();
  const signer = new lib.X509Certificate(authority.certificate);
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await lib.X509CertificateGenerator.create({
    subject: nameOf(commonName),
    issuer: signer.subject,
    publicKey: keys.publicKey,
    signingKey: await privateKeyOf(authority),
    notBefore: new Date(from),
    notAfter: new Date(until),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new lib.BasicConstraintsExtension(false, undefined, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
      new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage.clientAuth]),
      await lib.AuthorityKeyIdentifierExtension.create(signer),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return identity(certificate, keys.privateKey);
}

/** `CN=...` as data: in a text of the library's, a comma or a plus sign would begin another part of the name. */
function nameOf(commonName: string): x509.JsonName {
  return [{ CN: [commonName] }];
}

async function identity(
  certificate: x509.X509Certificate,
  privateKey: webcrypto.CryptoKey,
): Promise<Identity> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return {
    certificate: `${certificate.toString("pem").trim()}\n`,
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function privateKeyOf({ privateKey }: Identity): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(privateKey).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", pkcs8, CURVE, false, ["sign"]);
}

async function library(): Promise<typeof x509> {
  const lib = await import("@peculiar/x509");
  lib.cryptoProvider.set(webcrypto as unknown as Crypto);
  return lib;
}
