import {
  type Endpoint,
  openSocket,
  parseProxy,
  proxyFromEnvironment,
  type SocksProxy,
} from "../../connect/socket";
import { couldNotTell, messageOf } from "../exit";
import { proxyState } from "../tunnel/socks";

const PROBE_MS = 3_000;

/**
 * Makes sure that there is a way to the servers at all, so that a closed tunnel is not told as 20 broken databases.
 * Throws "could not tell", ending with `advice`.
 */
export async function requireWayIn(
  endpoints: readonly Endpoint[],
  env: NodeJS.ProcessEnv,
  advice: string,
): Promise<void> {
  const proxy = proxyFromEnvironment(env);
  if (proxy) return requireProxy(proxy, advice);
  const servers = tellingEndpoints(endpoints);
  if (servers.length === 0) return;
  const answers = await Promise.all(servers.map(answersDirectly));
  if (answers.some(Boolean)) return;
  const names = servers.map(nameOf).join(", ");
  throw couldNotTell(`ALL_PROXY is not set and no server answers directly (${names}). ${advice}`);
}

/**
 * Each server once. `127.0.0.1` is meant as the plesk host sees it; here it may be some other database, so its answer
 * tells something only where nothing else is asked for.
 */
export function tellingEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  const servers = [...new Map(endpoints.map((endpoint) => [nameOf(endpoint), endpoint])).values()];
  const remote = servers.filter(({ host }) => !/^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host));
  return remote.length > 0 ? remote : servers;
}

function nameOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

async function requireProxy(url: string, advice: string): Promise<void> {
  let proxy: SocksProxy;
  try {
    proxy = parseProxy(url);
  } catch (error) {
    throw couldNotTell(`${messageOf(error)}. ${advice}`);
  }
  const state = await proxyState(proxy, PROBE_MS);
  if (state === "open") return;
  if (state === "locked") {
    throw couldNotTell(`the tunnel at ${proxy.shown} has another password than ALL_PROXY says. ${advice}`);
  }
  throw couldNotTell(
    `the tunnel is closed: nothing answers at ${proxy.shown}, where ALL_PROXY points. ${advice}`,
  );
}

async function answersDirectly(endpoint: Endpoint): Promise<boolean> {
  try {
    (await openSocket(endpoint, PROBE_MS)).destroy();
    return true;
  } catch {
    return false;
  }
}
