import { createPrivateKey, createPublicKey, type X509Certificate } from "node:crypto";
import { z } from "zod";
import { CLIENT_LIFE, certificateIn, clientAuthorityName } from "../../estate/client-certificates";
import { now as clock } from "../../estate/clock";
import { PLAIN_NAME } from "../../text/postgres";
import { diffInputs } from "../wire/diff";
import type { FieldChange, Kind, Properties } from "../wire/kind";
import { type Identity, issueAuthority, issueClient, type Validity } from "./client/issue";
import { endOf, isDue, parseCertificate, SOUND } from "./host/certificate";
import { checkFields, type Field } from "./postgres/check-fields";

interface ClientCertificateInputs {
  /** Whose authority it is, `svc_crm`. */
  service: string;
  /** Common names, a certificate for each. */
  logins: string[];
  /** Of the password: another one makes other keys and certificates. */
  generation: number;
  /** The generation before leaked: its authority is not to be trusted for a moment longer. */
  leaked: boolean;
  /** Days before its end at which a certificate is renewed. */
  renewBefore: number;
  /** `sound`, always: what is found instead shows as a change of it. */
  condition: string;
}

interface ClientCertificateState extends ClientCertificateInputs {
  /** PEM of the authorities that servers have to trust, newest first: more than one only while an older one has not ended. */
  authorities: string[];
  /** Of the newest authority; PEM. */
  authorityKey: string;
  /** ISO 8601 */
  authorityNotAfter: string;
  /** By login, private key and certificate as one PEM text: they change together. */
  certificates: Record<string, string>;
  /** ISO 8601 */
  notAfter: string;
}

const name = z.string("must be a name").regex(PLAIN_NAME, "must be a login's name, such as svc_crm").max(50);

const fields: Record<string, Field> = {
  service: { schema: name },
  logins: { schema: z.array(name).min(1, "name at least one login") },
  generation: { schema: z.int("must be a whole number").min(1, "must be 1 or more") },
  leaked: { schema: z.boolean("must be true or false"), fallback: false },
  renewBefore: {
    schema: z
      .int("must be whole days")
      .min(1, "must be 1 or more")
      .max(CLIENT_LIFE.certificate - 1, `must be less than its ${CLIENT_LIFE.certificate} days`),
    fallback: 60,
  },
  /** Filled in by check, never declared otherwise. */
  condition: { schema: z.literal(SOUND), fallback: SOUND },
};

/** Clocks differ: a certificate of this moment is valid on every host. */
const BEFORE_MS = 3_600_000;
const DAY = 86_400_000;

/**
 * `estate:tls:ClientCertificate`: what a service shows beside its password: an authority of that service alone and, signed by
 * it, a certificate for each of its logins. Reaches nothing: keys are made here and are secrets of the state. Another generation
 * makes other certificates under the same authority; those before stay valid to their own end, so that an application has until
 * the rotation after to take up its new one. After a leak the authority is another one, and servers that are told so refuse all that
 * the one before has signed. What ends within `renewBefore` days shows as a change of `notAfter` or `authorityNotAfter` and is renewed.
 * Id: the service.
 * @param now milliseconds since 1970
 */
export function clientCertificate(
  now: () => number = clock,
): Kind<unknown, ClientCertificateInputs, ClientCertificateState> {
  return {
    token: "estate:tls:ClientCertificate",
    secretOutputs: ["authorityKey", "certificates"],
    computedOutputs: ["authorities", "authorityKey", "authorityNotAfter", "certificates", "notAfter"],
    replaceOn: ["service"],

    check: (news) => checkFields(news, fields),

    diff({ inputs, state }, news): FieldChange[] {
      const changes = diffInputs(inputs as unknown as Properties, news, ["service"]);
      const days = typeof news.renewBefore === "number" ? news.renewBefore : inputs.renewBefore;
      if (isDue(state.notAfter, days, now())) changes.push({ path: "notAfter", kind: "update" });
      if (isDue(state.authorityNotAfter, days, now()))
        changes.push({ path: "authorityNotAfter", kind: "update" });
      return changes;
    },

    /** What servers trust stays in most runs, and a preview is not to show a change of every server. */
    foresee(old, news): Properties {
      if (!old || typeof news.generation !== "number" || typeof news.leaked !== "boolean") return {};
      const stays = keepsAuthority(old, news as unknown as ClientCertificateInputs, now());
      return stays
        ? { authorities: trusted(old.state, now()), authorityNotAfter: old.state.authorityNotAfter }
        : {};
    },

    async create(_call, inputs) {
      return { id: inputs.service, state: await issue(inputs, undefined, now()) };
    },

    async read(_call, id, old) {
      if (!old)
        throw new Error(`${id}: a client's certificate is nowhere but in the state: it cannot be imported`);
      const condition = conditionOf(old.state);
      return { id, inputs: { ...old.inputs, condition }, state: { ...old.state, condition } };
    },

    update(_call, _id, old, news) {
      return issue(news, old, now());
    },

    async delete() {},
  };
}

interface Before {
  inputs: ClientCertificateInputs;
  state: ClientCertificateState;
}

async function issue(
  inputs: ClientCertificateInputs,
  old: Before | undefined,
  now: number,
): Promise<ClientCertificateState> {
  const keeps = old !== undefined && keepsAuthority(old, inputs, now);
  const lives = (days: number): Validity => ({ from: now - BEFORE_MS, until: now + days * DAY });
  const authority: Identity = keeps
    ? { certificate: old.state.authorities[0] ?? "", privateKey: old.state.authorityKey }
    : await issueAuthority(clientAuthorityName(inputs.service), lives(CLIENT_LIFE.authority));
  const former = old && !leaks(old, inputs) ? trusted(old.state, now) : [];
  const certificates: Record<string, string> = {};
  for (const login of inputs.logins) {
    const { privateKey, certificate } = await issueClient(authority, login, lives(CLIENT_LIFE.certificate));
    certificates[login] = privateKey + certificate;
  }
  return {
    ...inputs,
    authorities: [...new Set([authority.certificate, ...former])],
    authorityKey: authority.privateKey,
    authorityNotAfter: endOf(parseCertificate(authority.certificate)),
    certificates,
    notAfter: endOf(certificateIn(certificates[inputs.logins[0] ?? ""] ?? "")),
  };
}

/** Whether this run is the first that knows of the leak. */
function leaks(old: Before, { generation, leaked }: Pick<ClientCertificateInputs, "generation" | "leaked">) {
  return leaked && generation !== old.inputs.generation;
}

function keepsAuthority(old: Before, news: ClientCertificateInputs, now: number): boolean {
  const { authorityNotAfter } = old.state;
  return (
    !leaks(old, news) &&
    !isDue(authorityNotAfter, old.inputs.renewBefore, now) &&
    conditionOf(old.state) === SOUND
  );
}

/** Authorities that have not ended and can be read; of one that cannot, nothing that it signed is of use. */
function trusted({ authorities }: ClientCertificateState, now: number): string[] {
  return authorities.filter((pem) => {
    const certificate = parseCertificate(pem);
    return certificate !== undefined && Date.parse(certificate.validTo) > now;
  });
}

/** `sound`, or the first thing that is wrong beside the age. */
function conditionOf({ authorities, authorityKey, certificates, logins }: ClientCertificateState): string {
  const authority = parseCertificate(authorities[0] ?? "");
  if (!authority?.ca) return "there is no authority";
  if (!isKeyOf(authorityKey, authority)) return "the authority's key is of another certificate";
  for (const login of logins) {
    const text = certificates[login] ?? "";
    const certificate = certificateIn(text);
    if (!certificate) return `there is no certificate of ${login}`;
    if (certificate.subject !== `CN=${login}`)
      return `the certificate of ${login} is made out to somebody else`;
    if (!certificate.verify(authority.publicKey))
      return `the certificate of ${login} is not signed by the authority`;
    if (!isKeyOf(text, certificate)) return `the key of ${login} is of another certificate`;
  }
  return SOUND;
}

function isKeyOf(privateKey: string, certificate: X509Certificate): boolean {
  try {
    return createPublicKey(createPrivateKey(privateKey)).equals(certificate.publicKey);
  } catch {
    return false;
  }
}
