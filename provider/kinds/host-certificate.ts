import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { runScript } from "../../connect/host-script";
import { now as clock } from "../../estate/clock";
import type { EstateConfig } from "../config";
import { diffInputs } from "../wire/diff";
import {
  type CheckFailure,
  type FieldChange,
  type Kind,
  type Properties,
  UNKNOWN,
  type Value,
} from "../wire/kind";
import {
  condition,
  ENGINES,
  type Engine,
  endOf,
  type Found,
  isDue,
  isPem,
  LIFE,
  NOT_SHOWN,
  parseCertificate,
  parseFound,
  SOUND,
  shownBy,
  usableAuthority,
} from "./host/certificate";
import { INSPECT, MAKE, RELOAD, TRUST, TRUSTED } from "./host/certificate-scripts";
import { type HostShell, withHost } from "./host/shell";

interface CertificateInputs {
  /** Host name or address that clients verify. */
  name: string;
  /** Absolute path; holds ca.crt, server.crt and server.key. */
  directory: string;
  /** User and group of the engine, which reads the private key. */
  owner: string;
  /** Days before its end at which a certificate is renewed. */
  renewBefore: number;
  engine: Engine;
  /** Where the server listens on its host. */
  address: string;
  /** null: Redis, which has instances. */
  port: number | null;
  /** Ports of Redis' instances, by name. */
  instances: Record<string, number> | null;
  /** Login that makes Redis read the new files; the others are reached as root over their sockets. */
  admin: { user: string; password: string } | null;
  /** PEM texts of the authorities whose certificates the server takes from clients; null: it asks for none. */
  clientAuthorities: string | null;
  /** `sound`, always: what is found instead shows as a change of it. */
  condition: string;
}

interface CertificateState extends CertificateInputs {
  /** PEM of the authority that signed the certificate: what clients pin. Stays when the certificate is renewed. */
  authority: string;
  /** ISO 8601 */
  authorityNotAfter: string;
  /** ISO 8601 */
  notAfter: string;
  /** SHA-256 of the server's certificate, hex with colons. */
  fingerprint: string;
}

const PROPERTIES = [
  "name",
  "directory",
  "owner",
  "renewBefore",
  "engine",
  "address",
  "port",
  "instances",
  "admin",
  "clientAuthorities",
  "condition",
];

const SCRIPTS = { inspect: INSPECT, make: MAKE, reload: RELOAD, trust: TRUST, trusted: TRUSTED };

/**
 * `estate:host:Certificate`: a server's key and certificate, made on its host, and the host's own authority that signed
 * it. Clients pin the authority, so a renewed certificate changes nothing for them. A certificate that ends within
 * `renewBefore` days shows as a change of `notAfter` and is renewed; the server reads it without a restart. An authority
 * that ends is a replacement. Beside it lie the authorities of the server's clients, where it has any. Errors: the host cannot be reached; the server goes on showing its former certificate.
 * @param now milliseconds since 1970
 */
export function hostCertificate(
  now: () => number = clock,
): Kind<EstateConfig, CertificateInputs, CertificateState> {
  return {
    token: "estate:host:Certificate",
    computedOutputs: ["authority", "authorityNotAfter", "notAfter", "fingerprint"],
    stableOutputs: ["authority", "authorityNotAfter"],
    replaceOn: ["directory"],
    secretInputs: ["admin"],

    check,

    diff({ inputs, state }, news): FieldChange[] {
      // The login only serves a reload: another password is no change of the certificate.
      const { admin: _old, ...before } = inputs;
      const { admin: _new, ...after } = news;
      const changes = diffInputs(before as unknown as Properties, after, ["directory"]);
      const days = typeof news.renewBefore === "number" ? news.renewBefore : inputs.renewBefore;
      if (isDue(state.notAfter, days, now())) changes.push({ path: "notAfter", kind: "update" });
      if (isDue(state.authorityNotAfter, days, now())) {
        changes.push({ path: "authorityNotAfter", kind: "update", replaces: true });
      }
      return changes;
    },

    async create({ config, signal }, inputs) {
      return {
        id: inputs.name,
        state: await withHost(config, signal, (host) => settle(host, inputs, now())),
      };
    },

    async read({ config, signal }, id, old) {
      if (!old) {
        throw new Error(
          `certificate "${id}": it cannot be imported. Run pulumi up: a sound one is taken over`,
        );
      }
      return withHost(config, signal, async (host) => {
        const found = await inspect(host, old.inputs);
        // Without an authority nothing that a client trusts is left.
        if (!usableAuthority(found, now())) return undefined;
        const inputs = {
          ...old.inputs,
          // What somebody left there is of no use to a server that asks for none.
          clientAuthorities: (old.inputs.clientAuthorities ?? null) === null ? null : found.clientAuthorities,
          condition: condition(found, old.inputs),
        };
        return { id, inputs, state: stateOf(inputs, found) };
      });
    },

    update({ config, signal }, _id, _old, news) {
      return withHost(config, signal, (host) => settle(host, news, now()));
    },

    async delete() {},
  };
}

function check(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const fault = (property: string, reason: string) => failures.push({ property, reason });
  for (const property of Object.keys(news)) {
    if (!PROPERTIES.includes(property))
      fault(property, `is no property of a certificate: ${PROPERTIES.join(", ")}`);
  }
  const text = (property: string, pattern: RegExp, reason: string) => {
    const value = news[property];
    if (value !== UNKNOWN && !(typeof value === "string" && pattern.test(value))) fault(property, reason);
  };
  text("name", /^[A-Za-z0-9.:-]+$/, "must be the host name or address that clients verify");
  text("directory", /^\/[\w./-]+$/, "must be an absolute path");
  text("owner", /^[a-z_][a-z0-9_-]*$/, "must be the user of the engine");
  text("engine", new RegExp(`^(${ENGINES.join("|")})$`), `must be one of ${ENGINES.join(", ")}`);
  const { address, admin } = news;
  const { port = null, instances = null } = news;
  const renewBefore: Value = news.renewBefore ?? 60;
  if (address !== UNKNOWN && !(typeof address === "string" && isIP(address))) {
    fault("address", "must be the IP address that the server listens on");
  }
  const redis = news.engine === "redis";
  if (redis ? port !== null : port !== UNKNOWN && !isPort(port)) {
    fault("port", redis ? "is not Redis': give `instances`" : "must be a whole number from 1 to 65535");
  }
  if (redis ? instances !== UNKNOWN && !arePorts(instances) : instances !== null) {
    fault("instances", redis ? "must be ports by name" : "are Redis' alone");
  }
  if (
    renewBefore !== UNKNOWN &&
    !(Number.isInteger(renewBefore) && Number(renewBefore) >= 1 && Number(renewBefore) <= 365)
  ) {
    fault("renewBefore", "must be whole days from 1 to 365");
  }
  if (!isPemOrNothing(news.clientAuthorities)) fault("clientAuthorities", "must be certificates as PEM");
  if (redis && (news.clientAuthorities ?? null) !== null)
    fault("clientAuthorities", "are each instance's own on Redis");
  if (news.engine === "redis" && (admin === undefined || admin === null)) {
    fault("admin", "is missing: Redis reads a new certificate only when told by a login");
  }
  const inputs: Record<string, Value> = { ...news, port, instances, condition: SOUND };
  inputs.renewBefore = renewBefore;
  inputs.admin = admin ?? null;
  inputs.clientAuthorities = news.clientAuthorities ?? null;
  return { inputs, failures };
}

function isPemOrNothing(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === UNKNOWN) return true;
  return typeof value === "string" && isPem(value);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;
}

function arePorts(value: Value): boolean {
  if (typeof value !== "object" || value === null) return false;
  const entries = Object.entries(value);
  const sound = ([name, port]: [string, Value]) =>
    /^[a-z][a-z0-9_]*$/.test(name) && (port === UNKNOWN || isPort(port));
  return entries.every(sound);
}

/** Makes what is missing, unsound or due, and nothing else; then the server shows it. */
async function settle(host: HostShell, inputs: CertificateInputs, now: number): Promise<CertificateState> {
  let found = await inspect(host, inputs);
  const authority = usableAuthority(found, now);
  const keepAuthority = authority !== undefined && !isDue(endOf(authority), inputs.renewBefore, now);
  const leaf = parseCertificate(found.certificate);
  const sound = [SOUND, NOT_SHOWN].includes(condition(found, inputs));
  if (!keepAuthority || !sound || isDue(endOf(leaf), inputs.renewBefore, now)) {
    await run(host, "make", inputs, {
      NAME: inputs.name,
      OWNER: inputs.owner,
      SUBJECT_ALTERNATIVE_NAME: `${isIP(inputs.name) ? "IP" : "DNS"}:${inputs.name}`,
      DAYS: String(LIFE.certificate),
      AUTHORITY_DAYS: String(LIFE.authority),
      MAKE_AUTHORITY: keepAuthority ? "no" : "yes",
    });
    found = await inspect(host, inputs);
  }
  if (condition(found, inputs) === NOT_SHOWN) {
    await reload(host, inputs);
    // A reload is a signal: the server answers it in its own time.
    for (let attempt = 0; attempt < 20; attempt++) {
      found = await inspect(host, inputs);
      if (condition(found, inputs) !== NOT_SHOWN) break;
      await sleep(250);
    }
  }
  const { clientAuthorities } = inputs;
  if (clientAuthorities !== null && clientAuthorities !== found.clientAuthorities) {
    const said = await run(host, "trust", inputs, {
      ENGINE: inputs.engine,
      PORT: String(inputs.port ?? ""),
      OWNER: inputs.owner,
      CLIENT_AUTHORITIES: clientAuthorities,
    });
    if (said.trim() === "reads") await reload(host, inputs);
    await run(host, "trusted", inputs, {});
  }
  const result = condition(found, inputs);
  if (result !== SOUND)
    throw new Error(`the certificate of ${inputs.name}: ${result}. Look at ${inputs.directory} there`);
  return stateOf(inputs, found);
}

function reload(host: HostShell, inputs: CertificateInputs): Promise<string> {
  return run(host, "reload", inputs, {
    ENGINE: inputs.engine,
    ENDPOINT: inputs.address,
    PORT: String(inputs.port ?? ""),
    INSTANCES: Object.entries(inputs.instances ?? {})
      .map(([name, port]) => `${name} ${port}`)
      .join("\n"),
    ADMIN: inputs.admin?.user ?? "",
    ADMIN_PASSWORD: inputs.admin?.password ?? "",
  });
}

async function inspect(host: HostShell, inputs: CertificateInputs): Promise<Found> {
  const { engine, address, port, instances } = inputs;
  const shown = shownBy(engine, address, instances ? Object.values(instances) : port === null ? [] : [port]);
  return parseFound(await run(host, "inspect", inputs, { ENGINE: engine, SHOWN: shown }));
}

async function run(
  { ssh, user }: HostShell,
  name: keyof typeof SCRIPTS,
  { directory, name: server }: CertificateInputs,
  variables: Record<string, string>,
): Promise<string> {
  const { code, stdout, stderr } = await runScript(ssh, user, SCRIPTS[name], {
    DIRECTORY: directory,
    ...variables,
  });
  if (code === 0) return stdout;
  throw new Error(`the certificate of ${server}: ${stderr.trim() || `step ${name} ended with code ${code}`}`);
}

function stateOf(inputs: CertificateInputs, found: Found): CertificateState {
  const certificate = parseCertificate(found.certificate);
  return {
    ...inputs,
    authority: found.authority,
    authorityNotAfter: endOf(parseCertificate(found.authority)),
    notAfter: endOf(certificate),
    fingerprint: certificate?.fingerprint256 ?? "",
  };
}
