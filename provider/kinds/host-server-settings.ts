import { isIP } from "node:net";
import { runScript } from "../../connect/host-script";
import type { EstateConfig } from "../config";
import { diffInputs } from "../wire/diff";
import { type CheckFailure, type Kind, type Properties, UNKNOWN } from "../wire/kind";
import { ENGINES, type Engine, mendScript, readScript } from "./host/settings-scripts";
import { type HostShell, withHost } from "./host/shell";

interface ServerSettings {
  engine: Engine;
  /** Where the server listens on its host. */
  address: string;
  port: number;
  /** Whole text of the configuration file, without its last line feed. */
  configuration: string;
  /** Whole text of pg_hba.conf; PostgreSQL only. */
  hba: string | null;
  /** Whole text of pg_ident.conf; PostgreSQL only. */
  ident: string | null;
  /** What backup and restore log in as, by name: their attributes, settings and memberships in the host's words. */
  logins: Record<string, string>;
  /** Settings that the running server must have, by the engine's own name; values as the engine shows them. */
  effective: Record<string, string>;
}

const PROPERTIES = ["engine", "address", "port", "configuration", "hba", "ident", "logins", "effective"];

/**
 * `estate:host:ServerSettings`: what a server reads (its configuration, pg_hba.conf, pg_ident.conf), what it runs with, and what backup
 * and restore log in as. A file edited by hand, a guarded setting changed in the running server, and a right or a way in that such a
 * login was given show as a change of `configuration`, `hba`, `ident`, `effective.<name>` or `logins.<name>` and are taken back: by a
 * reload where the engine can, else by a restart. A pg_hba.conf or pg_ident.conf with a fault is never applied. Deleting it changes nothing on the host. Errors: the host cannot be reached; the engine does not
 * start with the file, or does not take the setting.
 */
export const hostServerSettings: Kind<EstateConfig, ServerSettings> = {
  token: "estate:host:ServerSettings",
  replaceOn: ["engine"],
  check,

  async create({ config, signal }, inputs) {
    return { id: inputs.engine, state: await withHost(config, signal, (host) => settle(host, inputs)) };
  },

  async read({ config, signal }, id, old) {
    if (!old)
      throw new Error(`settings of ${id}: they cannot be imported. Run pulumi up: what fits is taken over`);
    // Once Redis was one server, too; its instances are a kind of their own now.
    if (!ENGINES.includes(old.inputs.engine)) return undefined;
    // A state may be older than the properties that came later.
    const inputs = { ...old.inputs, ident: old.inputs.ident ?? null, logins: old.inputs.logins ?? {} };
    const found = await withHost(config, signal, (host) => inspect(host, inputs));
    return found && { id, inputs: found, state: found };
  },

  update({ config, signal }, _id, _old, news) {
    return withHost(config, signal, (host) => settle(host, news));
  },

  async delete() {},
};

function check(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const fault = (property: string, reason: string) => failures.push({ property, reason });
  for (const property of Object.keys(news)) {
    if (!PROPERTIES.includes(property))
      fault(property, `is no property of settings: ${PROPERTIES.join(", ")}`);
  }
  const { engine, address, port, configuration, effective, hba, ident, logins } = news;
  if (engine !== UNKNOWN && !ENGINES.some((name) => name === engine)) {
    fault("engine", `must be one of ${ENGINES.join(", ")}`);
  }
  if (address !== UNKNOWN && !(typeof address === "string" && isIP(address))) {
    fault("address", "must be the IP address that the server listens on");
  }
  if (port !== UNKNOWN && !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535)) {
    fault("port", "must be a whole number from 1 to 65535");
  }
  if (configuration !== UNKNOWN && (typeof configuration !== "string" || configuration === "")) {
    fault("configuration", "must be the text of the file");
  }
  if (hba !== UNKNOWN && (engine === "postgres") !== (typeof hba === "string")) {
    fault(
      "hba",
      engine === "postgres" ? "is missing: PostgreSQL lets in whom it names" : "is PostgreSQL's alone",
    );
  }
  if (ident !== UNKNOWN && (engine === "postgres") !== (typeof ident === "string")) {
    fault(
      "ident",
      engine === "postgres"
        ? "is missing: it says who on the host is who in PostgreSQL"
        : "is PostgreSQL's alone",
    );
  }
  if (logins !== UNKNOWN && logins !== undefined && !isTexts(logins)) {
    fault("logins", "must be texts by the name of a login");
  }
  if (effective !== UNKNOWN) {
    const wellFormed =
      typeof effective === "object" &&
      effective !== null &&
      Object.entries(effective).every(
        ([name, value]) => /^[a-z][a-z_]*$/.test(name) && (value === UNKNOWN || isPlain(value)),
      );
    if (!wellFormed) fault("effective", "must be settings by name, each value a text without quotes");
  }
  return { inputs: { ...news, hba: hba ?? null, ident: ident ?? null, logins: logins ?? {} }, failures };
}

function isTexts(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([name, text]) =>
      /^[a-z][a-z_-]*$/.test(name) &&
      (text === UNKNOWN || (typeof text === "string" && !text.includes("\n"))),
  );
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" && /^[^'"\\\n]+$/.test(value);
}

/** Mends only what differs, and looks again. */
async function settle(host: HostShell, inputs: ServerSettings): Promise<ServerSettings> {
  const differences = (found: ServerSettings | undefined) =>
    diffInputs((found ?? {}) as Properties, inputs as unknown as Properties).map(({ path }) => path);
  if (differences(await inspect(host, inputs)).length === 0) return inputs;
  const { stderr, code } = await run(host, mendScript(inputs.engine), inputs);
  if (code !== 0) throw new Error(`${inputs.engine}: ${stderr.trim() || `its settings: code ${code}`}`);
  const left = differences(await inspect(host, inputs));
  if (left.length === 0) return inputs;
  throw new Error(
    `${inputs.engine} does not take what is declared: ${left.join(", ")}. Does another file on the host set it?`,
  );
}

/** undefined: there is no configuration of ours. */
async function inspect(host: HostShell, inputs: ServerSettings): Promise<ServerSettings | undefined> {
  const { stdout, stderr, code } = await run(host, readScript(inputs.engine), inputs);
  if (code !== 0) throw new Error(`${inputs.engine}: its settings cannot be read: ${stderr.trim()}`);
  return parseSettings(stdout, inputs);
}

/** What readScript prints, in the form of `inputs`. */
export function parseSettings(text: string, inputs: ServerSettings): ServerSettings | undefined {
  let configuration: string | undefined;
  let hba: string | null = null;
  let ident: string | null = null;
  const effective: Record<string, string> = {};
  const logins: Record<string, string> = {};
  for (const line of text.split("\n").filter(Boolean)) {
    const [name, encoded = ""] = line.split(" ");
    const content = Buffer.from(encoded, "base64").toString();
    if (name === "configuration") configuration = content.replace(/\n$/, "");
    if (name === "hba") hba = content.replace(/\n$/, "");
    if (name === "ident") ident = content.replace(/\n$/, "");
    const at = content.indexOf("=");
    if (name === "effective") effective[content.slice(0, at)] = content.slice(at + 1);
    if (name === "login") logins[content.slice(0, at)] = content.slice(at + 1);
  }
  return configuration === undefined
    ? undefined
    : { ...inputs, configuration, hba, ident, logins, effective };
}

function run(host: HostShell, script: string, inputs: ServerSettings) {
  const { configuration, hba, ident, logins, effective } = inputs;
  const names = Object.keys(effective);
  return runScript(host.ssh, host.user, script, {
    CONFIGURATION: configuration,
    HBA: hba ?? "",
    IDENT: ident ?? "",
    GUARDED: names.map((name) => `'${name}'`).join(", "),
    NAMES: names.join(" "),
    EFFECTIVE: assignments(effective),
    LOGINS: assignments(logins),
  });
}

function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}
