import { type Endpoint, openSocket, proxyFromEnvironment } from "../../connect/socket";
import { couldNotTell } from "../exit";
import { socksAnswers } from "../tunnel/socks";

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

async function requireProxy(proxy: string, advice: string): Promise<void> {
  let url: URL;
  try {
    url = new URL(proxy);
  } catch {
    throw couldNotTell(`ALL_PROXY is "${proxy}", which is no URL. ${advice}`);
  }
  if (!/^socks5h?:$/.test(url.protocol)) {
    throw couldNotTell(`ALL_PROXY is "${proxy}"; only socks5:// is understood. ${advice}`);
  }
  if (!(await socksAnswers(url.hostname, Number(url.port || 1080), PROBE_MS))) {
    throw couldNotTell(
      `the tunnel is closed: nothing answers at ${proxy}, where ALL_PROXY points. ${advice}`,
    );
  }
}

async function answersDirectly(endpoint: Endpoint): Promise<boolean> {
  try {
    (await openSocket(endpoint, PROBE_MS)).destroy();
    return true;
  } catch {
    return false;
  }
}
