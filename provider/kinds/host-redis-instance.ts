import { isIP } from "node:net";
import { endpointOf } from "../../connect/address";
import { runScript } from "../../connect/host-script";
import type { EstateConfig } from "../config";
import { diffInputs } from "../wire/diff";
import { type CheckFailure, type Kind, type Properties, UNKNOWN, type Value } from "../wire/kind";
import { isPem } from "./host/certificate";
import { type Limits, MEND, READ, STOP, unitOf } from "./host/redis-instance-scripts";
import { type HostShell, withHost } from "./host/shell";
import { passwordHash } from "./redis/acl";

interface RedisInstance {
  /** `crm`: in the names of its unit, its directory and its configuration file. */
  name: string;
  /** Where it listens on its host. */
  address: string;
  port: number;
  /** Whole text of the configuration file, without its last line feed. */
  configuration: string;
  limits: Limits;
  /** Settings that the running instance must have: Redis' own by Redis' name, those of its unit and its host by ours. */
  effective: Record<string, string>;
  /** PEM texts of the authorities whose certificates it takes from clients; absent: it asks for none. */
  clientAuthorities?: string | null;
  /** Who makes the service's user. */
  admin: { user: string; password: string };
}

const PROPERTIES = [
  ...["name", "address", "port", "configuration", "limits", "effective", "clientAuthorities", "admin"],
];

const NAME = /^[a-z][a-z0-9_]*$/;

/** Told by the host; every other name in `effective` is a setting that Redis is asked for. */
const BY_THE_HOST = ["shared", "enabled", "unit", "listening", "tls", "default_user", "memory_max"];

function askedOfRedis({ effective }: Pick<RedisInstance, "effective">): string[] {
  return Object.keys(effective).filter((setting) => !BY_THE_HOST.includes(setting));
}

/** Differences in these are mended while it runs. */
const WITHOUT_RESTART = ["effective.shared", "effective.enabled"];

/** Whom it asks for a certificate, and what it takes for one: it is told while it runs, and its sessions stay. */
const ASKING = [
  "clientAuthorities",
  ...["tls-auth-clients", "tls-ca-cert-file", "tls-session-caching"].map(
    (setting) => `effective["${setting}"]`,
  ),
];

/**
 * `estate:host:RedisInstance`: one service's Redis on its host, Debian's redis-server@NAME: configuration, limits of its unit, its
 * admin, and that nobody gets in without a name. What was changed by hand shows by name and is taken back; only the instance that
 * differs is restarted, and none where only whom it asks for a certificate does. The one shared instance that Debian's package starts is stopped and masked. Deleting it stops the
 * instance; its data stays on the host. Errors: the host cannot be reached; the instance does not start, or does not take a setting.
 */
export const hostRedisInstance: Kind<EstateConfig, RedisInstance> = {
  token: "estate:host:RedisInstance",
  secretInputs: ["admin"],
  secretOutputs: ["admin"],
  replaceOn: ["name"],
  // Side by side the former one would stop what the new one has made.
  deleteBeforeReplace: true,

  check,

  async create({ config, signal }, inputs) {
    return { id: inputs.name, state: await withHost(config, signal, (host) => settle(host, inputs, false)) };
  },

  async read({ config, signal }, id, old) {
    if (!old)
      throw new Error(`Redis instance ${id}: it cannot be imported. Run pulumi up: what fits is taken over`);
    const found = await withHost(config, signal, (host) => inspect(host, old.inputs));
    return found && { id, inputs: found, state: found };
  },

  update({ config, signal }, _id, { inputs }, news) {
    const another = inputs.admin.user !== news.admin.user || inputs.admin.password !== news.admin.password;
    return withHost(config, signal, (host) => settle(host, news, another));
  },

  async delete({ config, signal }, _id, { inputs }) {
    await withHost(config, signal, (host) => run(host, STOP, inputs, "it does not stop"));
  },
};

function check(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const fault = (property: string, reason: string) => failures.push({ property, reason });
  for (const property of Object.keys(news)) {
    if (!PROPERTIES.includes(property))
      fault(property, `is no property of a Redis instance: ${PROPERTIES.join(", ")}`);
  }
  const { name, address, port, configuration, limits, effective, admin } = news;
  if (!known(name, (text) => NAME.test(text))) {
    fault("name", "must be lower-case letters, digits and underscores, for example crm");
  }
  if (!known(address, (text) => isIP(text) !== 0))
    fault("address", "must be the IP address that it listens on");
  if (port !== UNKNOWN && !isWhole(port, 1, 65535)) fault("port", "must be a whole number from 1 to 65535");
  if (!known(configuration, (text) => text !== "")) fault("configuration", "must be the text of the file");
  else if (typeof configuration === "string" && typeof name === "string" && NAME.test(name)) {
    // Two instances in one directory would overwrite each other's data.
    const own = [`dir /var/lib/redis/${name}`, `aclfile /var/lib/redis/${name}/users.acl`];
    for (const line of own.filter((line) => !configuration.split("\n").includes(line))) {
      fault("configuration", `does not say "${line}": an instance keeps its files in a directory of its own`);
    }
  }
  checkAuthorities(news, fault);
  for (const limit of ["process", "tasks", "cpuPercent", "stopSeconds", "logLines"]) {
    const value = isObject(limits) ? limits[limit] : limits;
    if (value !== UNKNOWN && !isWhole(value, 1, 1_048_576))
      fault(`limits.${limit}`, "must be a whole number, 1 or more");
  }
  const settings = isObject(effective) ? Object.entries(effective) : [];
  const plain = settings.every(
    ([setting, value]) =>
      /^[a-z][a-z_-]*$/.test(setting) && known(value, (text) => /^[^'"\\\n]+$/.test(text)),
  );
  if (effective !== UNKNOWN && (settings.length === 0 || !plain)) {
    fault("effective", "must be settings by name, each value a text without quotes");
  }
  for (const field of ["user", "password"]) {
    const value = isObject(admin) ? admin[field] : admin;
    if (!known(value, (text) => /^\S+$/.test(text)))
      fault(`admin.${field}`, "must be a text without white space");
  }
  return { inputs: news, failures };
}

/** What it trusts and what it asks for belong together. */
function checkAuthorities(
  { name, configuration, clientAuthorities = null }: Properties,
  fault: (property: string, reason: string) => void,
): void {
  if (clientAuthorities !== null && !known(clientAuthorities, isPem))
    fault("clientAuthorities", "must be certificates as PEM");
  if (typeof configuration !== "string" || typeof name !== "string") return;
  const asks = asksOf(configuration) !== "no";
  if (asks !== (clientAuthorities !== null))
    fault(
      "clientAuthorities",
      asks
        ? "are missing: tls-auth-clients asks for certificates"
        : "are of no use: tls-auth-clients asks nobody",
    );
  const own = `tls-ca-cert-file /etc/redis/tls/clients-${name}.crt`;
  if (asks && !configuration.split("\n").includes(own))
    fault("configuration", `does not say "${own}": an instance trusts authorities of its own`);
}

/** What a configuration says of certificates of clients. */
function asksOf(configuration: string): string {
  return ASKS.exec(configuration)?.[1] ?? "no";
}

const ASKS = /^tls-auth-clients (\w+)$/m;

/** A text of this form, or one that a preview does not know yet. */
function known(value: Value | undefined, form: (text: string) => boolean): boolean {
  return value === UNKNOWN || (typeof value === "string" && form(value));
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Mends only what differs, and looks again. */
async function settle(host: HostShell, inputs: RedisInstance, anotherAdmin: boolean): Promise<RedisInstance> {
  const differences = (found: RedisInstance | undefined) =>
    diffInputs((found ?? {}) as Properties, inputs as unknown as Properties).map(({ path }) => path);
  const found = await inspect(host, inputs);
  const different = differences(found);
  if (different.length === 0 && !anotherAdmin) return inputs;
  const { user, password } = inputs.admin;
  await run(host, MEND, inputs, "its settings", {
    RULES: `user default off resetchannels -@all\nuser ${user} on #${passwordHash(password)} ~* &* +@all`,
    RESTART: anotherAdmin ? "yes" : restartFor(different, found, inputs),
    ASKS: asksOf(inputs.configuration),
  });
  const now = await inspect(host, inputs);
  const left = differences(now);
  if (left.length === 0) return inputs;
  if (now && askedOfRedis(inputs).every((setting) => now.effective[setting] === undefined))
    throw new Error(
      `Redis instance ${inputs.name} runs, and does not let its admin in: all its connections are taken, or a script of its service ` +
        "does not end. docs/redis.md: When an instance keeps its admin out",
    );
  throw new Error(
    `Redis instance ${inputs.name} does not take what is declared: ${left.join(", ")}. ` +
      `Look at: systemctl status redis-server@${inputs.name}`,
  );
}

/** What MEND is told: whether it has to end, or may be told while it runs. */
function restartFor(
  different: readonly string[],
  found: RedisInstance | undefined,
  { configuration }: RedisInstance,
): "yes" | "no" | "asking" {
  const left = different.filter((path) => !WITHOUT_RESTART.includes(path));
  if (left.length === 0) return "no";
  const before = found?.configuration ?? "";
  // One that asked nobody has no socket to be told by, and one that is to ask nobody is to lose it.
  const asked = asksOf(before) !== "no" && asksOf(configuration) !== "no";
  const same = before.replace(ASKS, "") === configuration.replace(ASKS, "");
  return asked && same && left.every((path) => path === "configuration" || ASKING.includes(path))
    ? "asking"
    : "yes";
}

/** undefined: there is no such instance. */
async function inspect(host: HostShell, inputs: RedisInstance): Promise<RedisInstance | undefined> {
  return parseInstance(await run(host, READ, inputs, "it cannot be read"), inputs);
}

/** What READ prints, in the form of `inputs`. */
export function parseInstance(text: string, inputs: RedisInstance): RedisInstance | undefined {
  let configuration: string | undefined;
  let clientAuthorities: string | undefined;
  const effective: Record<string, string> = {};
  for (const line of text.split("\n").filter(Boolean)) {
    const [fact, encoded = ""] = line.split(" ");
    const content = Buffer.from(encoded, "base64").toString();
    if (fact === "configuration") configuration = content.replace(/\n$/, "");
    if (fact === "clientAuthorities") clientAuthorities = content;
    if (fact === "effective") {
      const at = content.indexOf("=");
      effective[content.slice(0, at)] = content.slice(at + 1);
    }
  }
  if (configuration === undefined) return undefined;
  const { clientAuthorities: _, ...others } = inputs;
  return {
    ...others,
    configuration,
    effective,
    ...(clientAuthorities !== undefined && { clientAuthorities }),
  };
}

async function run(
  host: HostShell,
  script: string,
  { name, address, port, configuration, limits, effective, clientAuthorities, admin }: RedisInstance,
  what: string,
  more: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await runScript(host.ssh, host.user, script, {
    NAME: name,
    ADDRESS: address,
    PORT: String(port),
    ENDPOINT: endpointOf(address, port),
    CONFIGURATION: configuration,
    UNIT: unitOf(name, limits),
    SETTINGS: askedOfRedis({ effective }).join(" "),
    CLIENT_AUTHORITIES: clientAuthorities ?? "",
    ADMIN: admin.user,
    ADMIN_PASSWORD: admin.password,
    ...more,
  });
  if (code === 0) return stdout;
  throw new Error(`Redis instance ${name}: ${stderr.trim() || `${what}: code ${code}`}`);
}
