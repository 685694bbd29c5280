import { parseRange } from "../connect/address";
import { servers as catalogue } from "./catalogue";
import type { Fault } from "./faults";
import { OPERATOR_SECRETS } from "./naming";
import type {
  Engine,
  PleskServer,
  ProvisionedServer,
  RedisHost,
  ServerDeclaration,
  ServerEngine,
  ServerName,
  StackConfig,
} from "./types";

type Declarations = Readonly<Record<ServerName, ServerDeclaration>>;

/** What the catalogue says of a server; undefined: it has none of that name. */
export function declaredServer(name: string): ServerDeclaration | undefined {
  return Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
}

/** The same of a name that stands in the catalogue. */
export function traitsOf(server: ServerName): ServerDeclaration {
  const declared = declaredServer(server);
  if (!declared) throw new Error(`the catalogue has no server "${server}"`);
  return declared;
}

/** In the catalogue's order. */
export function serversOf(...engines: readonly ServerEngine[]): ServerName[] {
  return Object.keys(catalogue).filter((name) => engines.includes(traitsOf(name).engine));
}

/** The servers that hold databases. */
export const databaseServers = (): ServerName[] => serversOf("mariadb", "postgres");

/** GitHub secrets about a server: where it is, and the certificate to verify it by. undefined: the web host's own needs none. */
export function serverSecrets(name: ServerName): { host: string; certificate: string } | undefined {
  const { secretPrefix: prefix } = traitsOf(name);
  return prefix === undefined ? undefined : secretsWith(prefix);
}

const secretsWith = (prefix: string) => ({
  host: `${prefix}_HOST`,
  certificate: `${prefix}_CA_CERTIFICATE`,
});

/** One server of a stack: what it is, and where. */
export type StackServer = { name: ServerName } & (
  | { kind: "panel"; server: PleskServer }
  | { kind: Engine; server: ProvisionedServer }
  | { kind: "redis"; server: RedisHost }
);

/** All servers of a stack, in the catalogue's order. The schema has held each against its declaration. */
export function stackServers(servers: StackConfig["servers"]): StackServer[] {
  return Object.entries(catalogue).flatMap(([name, { engine, management }]) => {
    const server = servers[name];
    if (server === undefined) return [];
    return [{ name, kind: management === "panel" ? "panel" : engine, server } as StackServer];
  });
}

/** The same of one. Errors: the stack has none of that name. */
export function stackServer(servers: StackConfig["servers"], name: ServerName): StackServer {
  const found = stackServers(servers).find((server) => server.name === name);
  if (!found) throw new Error(`the stack has no server "${name}"`);
  return found;
}

/** Of one that holds databases. */
export function databaseServer(
  servers: StackConfig["servers"],
  name: ServerName,
): PleskServer | ProvisionedServer {
  const found = stackServer(servers, name);
  if (found.kind === "redis") throw new Error(`${name} holds no databases`);
  return found.server;
}

/** The way in to all others, with a server of its own. */
export function webHost(servers: StackConfig["servers"]): PleskServer {
  for (const { kind, server } of stackServers(servers)) if (kind === "panel") return server;
  throw new Error("the catalogue has no server that belongs to the web host's panel");
}

/** undefined: the stack has no Redis. */
export function redisHost(servers: StackConfig["servers"]): RedisHost | undefined {
  for (const { kind, server } of stackServers(servers)) if (kind === "redis") return server;
  return undefined;
}

/** A server's name is part of keys in the bucket and of names of resources. */
const NAME = /^[a-z][a-z0-9-]{0,30}$/;

/** What the catalogue's servers must be together. Pure. */
export function serverFaults(servers: Declarations): Fault[] {
  const entries = Object.entries(servers);
  const named = (which: (server: ServerDeclaration) => boolean) =>
    entries.filter(([, server]) => which(server)).map(([name]) => name);
  const faults = named(() => true)
    .filter((name) => !NAME.test(name))
    .map((name): Fault => {
      const fix = "use up to 31 lower-case letters, digits and hyphens, beginning with a letter";
      return { path: "catalogue.servers", value: name, fix };
    });
  const panels = named(({ management }) => management === "panel");
  if (panels.length !== 1) {
    const fix = "one server, and no more, belongs to the web host's panel: it is the way in to the others";
    faults.push({ path: "catalogue.servers", value: panels, fix });
  }
  const redis = named(({ engine }) => engine === "redis");
  if (redis.length > 1) {
    const fix = "the estate has one Redis host, with an instance for each service";
    faults.push({ path: "catalogue.servers", value: redis, fix });
  }
  const prefixes = new Map<string, string>();
  for (const [name, { engine, management, secretPrefix: prefix, changeLog }] of entries) {
    const path = `catalogue.servers.${name}`;
    const fault = (field: string, value: unknown, fix: string) =>
      faults.push({ path: `${path}.${field}`, value, fix });
    if (management === "panel" && engine !== "mariadb")
      fault("engine", engine, "the web host's own server is MariaDB");
    if (engine === "redis" && changeLog) fault("changeLog", changeLog, "Redis keeps none");
    if (prefix === undefined) {
      if (management !== "panel")
        fault("secretPrefix", prefix, "applications have to find it: give a prefix such as PG");
      continue;
    }
    if (!/^[A-Z][A-Z0-9_]*$/.test(prefix) || /^GITHUB_/.test(prefix))
      fault("secretPrefix", prefix, "use upper-case letters, digits and underscores; not GITHUB_ in front");
    const other = prefixes.get(prefix);
    if (other) fault("secretPrefix", prefix, `${other} has it already: every server has its own`);
    prefixes.set(prefix, name);
    const operators = Object.values(secretsWith(prefix)).filter((secret) =>
      OPERATOR_SECRETS.includes(secret),
    );
    if (operators.length > 0)
      fault("secretPrefix", prefix, `${operators.join(", ")} is the operator's: choose another prefix`);
  }
  return faults;
}

/** What no two servers may have in common, by the field's name. The web host is at the address that the others let in. */
const PLACES: Readonly<
  Record<string, (found: StackServer, config: Pick<StackConfig, "access">) => [field: string, value: string]>
> = {
  host: ({ name, server }) => [`servers.${name}.host`, server.host],
  // Machines behind one address may answer on a port each.
  ssh: ({ name, server: { ssh } }) => [
    `servers.${name}.ssh.host`,
    ssh.port === 22 ? ssh.host : `${ssh.host} port ${ssh.port}`,
  ],
  listen: ({ name, server }, { access }) =>
    "listen" in server
      ? [`servers.${name}.listen`, server.listen]
      : ["access.pleskAddress", access.pleskAddress],
};

/**
 * Servers that share a machine: each would take the other's firewall, users and backups for a change by hand, and who takes one over
 * would have both. Pure.
 */
export function machineFaults({ servers, access }: Pick<StackConfig, "servers" | "access">): Fault[] {
  return Object.values(PLACES).flatMap((place) => {
    const taken = new Map<string, string>();
    return stackServers(servers).flatMap((found): Fault[] => {
      const [path, value] = place(found, { access });
      const same = parseRange(value)?.text ?? value.toLowerCase();
      const other = taken.get(same);
      taken.set(same, other ?? found.name);
      if (other === undefined) return [];
      return [{ path, value, fix: `${other} is there already: every server has a machine of its own` }];
    });
  });
}
