import { type Endpoint, openSocket, proxyFromEnvironment } from "../../connect/socket";
import { couldNotTell, messageOf } from "../exit";
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
  const servers = [...new Map(endpoints.map((endpoint) => [`${endpoint.host}:${endpoint.port}`, endpoint]))];
  if (servers.length === 0) return;
  const answers = await Promise.all(servers.map(([, endpoint]) => answersDirectly(endpoint)));
  if (answers.some(Boolean)) return;
  const names = servers.map(([name]) => name).join(", ");
  throw couldNotTell(`ALL_PROXY is not set and no server answers directly (${names}). ${advice}`);
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
    throw couldNotTell(`the tunnel is closed: nothing answers at ${proxy}, where ALL_PROXY points. ${advice}`);
  }
}

async function answersDirectly(endpoint: Endpoint): Promise<boolean> {
  try {
    const socket = await openSocket(endpoint, PROBE_MS);
    socket.destroy();
    return true;
  } catch (error) {
    return refusesAtOnce(messageOf(error));
  }
}

/** The machine is there and says no: its port is closed, which is an answer to the check and no lack of a way in. */
function refusesAtOnce(message: string): boolean {
  return message.includes("ECONNREFUSED");
}
