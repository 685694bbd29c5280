import type { SshServer, TunnelledServer } from "./resources";
import { type CheckFailure, type Properties, UNKNOWN } from "./wire/kind";

/** The servers a provider instance may talk to, by the name of the configuration property. */
export const SERVERS = ["mariadb", "postgres", "redis", "ssh"] as const;

/**
 * One instance of the provider: at most one server is set. Nothing is open yet; a kind opens its pool at its first
 * call and leaves it in `resources`, under the server's name, for the next one.
 */
export interface EstateConfig {
  mariadb?: TunnelledServer;
  postgres?: TunnelledServer;
  redis?: TunnelledServer;
  ssh?: SshServer;
  resources: Map<string, { close(): Promise<void> }>;
}

/** Each server is a JSON string (provider configuration knows strings only). No value is ever part of a message. */
export function checkEstateConfig(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const given = Object.keys(news).filter((name) => news[name] !== null);
  for (const name of given.filter((name) => !isServer(name))) {
    failures.push({
      property: name,
      reason: `is no server of this provider; it knows ${SERVERS.join(", ")}`,
    });
  }
  const servers = given.filter(isServer);
  if (servers.length > 1) {
    const reason = `${servers.join(" and ")} are set: a provider instance serves one server, make one for each`;
    failures.push({ property: "", reason });
  }
  for (const name of servers) failures.push(...checkServer(name, news[name]));
  return { inputs: news, failures };
}

export function makeEstateConfig(inputs: Properties): EstateConfig {
  const config: EstateConfig = { resources: new Map() };
  for (const name of SERVERS) {
    const value = inputs[name];
    if (typeof value === "string") Object.assign(config, { [name]: JSON.parse(value) });
  }
  return config;
}

export async function closeEstateConfig(config: EstateConfig): Promise<void> {
  const open = [...config.resources.values()];
  config.resources.clear();
  await Promise.allSettled(open.map((resource) => resource.close()));
}

function isServer(name: string): name is (typeof SERVERS)[number] {
  return (SERVERS as readonly string[]).includes(name);
}

function checkServer(name: (typeof SERVERS)[number], value: unknown): CheckFailure[] {
  if (value === UNKNOWN) return [];
  const server = parse(value);
  if (!server) return [{ property: name, reason: "must be the server as a JSON object in a string" }];
  const failures: CheckFailure[] = [];
  const needed = name === "ssh" ? ["host", "user"] : ["host", "user", "caCertificate"];
  for (const field of needed) {
    if (typeof server[field] === "string" && server[field] !== "") continue;
    failures.push({ property: `${name}.${field}`, reason: "is missing; it must be a string" });
  }
  const { port } = server;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    failures.push({ property: `${name}.port`, reason: "must be a whole number from 1 to 65535" });
  }
  return failures;
}

function parse(value: unknown): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(String(value));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
