import * as net from "node:net";
import { TLSSocket } from "node:tls";

/** A TCP service, named as the far side of the proxy sees it (the proxy resolves the name). */
export interface Endpoint {
  host: string;
  port: number;
  /** `socks5://127.0.0.1:PORT`, or undefined for a direct connection. Default: `proxyFromEnvironment()`. */
  proxy?: string | undefined;
}

/** How a server proves who it is. There is no setting that switches verification off. */
export interface Trust {
  /** PEM of the pinned certificate (self-signed) or of the authority that signed it. */
  caCertificate: string;
  /** The name the certificate must carry. Default: the endpoint's host. */
  serverName?: string | undefined;
}

/** End of the certificate that the peer has shown, `Nov 20 11:15:11 2028 GMT`; empty: the socket is not encrypted. */
export function endOfCertificate(socket: unknown): string {
  return socket instanceof TLSSocket ? socket.getPeerCertificate().valid_to : "";
}

/** The SOCKS proxy that the kept database plugins honour too: `ALL_PROXY`, then `all_proxy`. */
export function proxyFromEnvironment(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env.ALL_PROXY || env.all_proxy || undefined;
}

/**
 * Opens a TCP connection, through the SOCKS5 proxy where there is one.
 * Errors name the endpoint, the proxy and what to do.
 */
export async function openSocket(endpoint: Endpoint, timeoutMs = 10_000): Promise<net.Socket> {
  const proxy = endpoint.proxy ?? proxyFromEnvironment();
  return proxy ? throughSocks(endpoint, proxy, timeoutMs) : direct(endpoint, timeoutMs);
}

function direct({ host, port }: Endpoint, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true });
    const fail = (error: Error) => {
      socket.destroy();
      reject(new Error(`cannot connect to ${host}:${port}: ${error.message}`));
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs} ms`)));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

async function throughSocks({ host, port }: Endpoint, proxy: string, timeoutMs: number): Promise<net.Socket> {
  const url = parseProxy(proxy);
  const { SocksClient } = await import("socks");
  try {
    const { socket } = await SocksClient.createConnection({
      command: "connect",
      proxy: { host: url.hostname, port: Number(url.port || 1080), type: 5 },
      destination: { host, port },
      timeout: timeoutMs,
    });
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cannot connect to ${host}:${port} through ${proxy}: ${reason}. Is the tunnel open? Run: npx estate tunnel`,
    );
  }
}

function parseProxy(proxy: string): URL {
  let url: URL;
  try {
    url = new URL(proxy);
  } catch {
    throw new Error(`ALL_PROXY is "${proxy}", which is no URL. Use the form socks5://127.0.0.1:1080`);
  }
  if (!/^socks5h?:$/.test(url.protocol)) {
    throw new Error(`ALL_PROXY is "${proxy}". Only socks5:// is understood: socks5://127.0.0.1:1080`);
  }
  return url;
}
