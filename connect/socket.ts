import * as net from "node:net";
import { TLSSocket } from "node:tls";

/** A TCP service, named as the far side of the proxy sees it (the proxy resolves the name). */
export interface Endpoint {
  host: string;
  port: number;
  /** `socks5://USER:PASSWORD@127.0.0.1:PORT`, or undefined for a direct connection. Default: `proxyFromEnvironment()`. */
  proxy?: string | undefined;
}

/** How a server proves who it is. There is no setting that switches verification off. */
export interface Trust {
  /** PEM of the pinned certificate (self-signed) or of the authority that signed it. */
  caCertificate: string;
  /** The name the certificate must carry. Default: the endpoint's host. */
  serverName?: string | undefined;
}

/** What TLS says of a certificate that we have shown and the peer does not take; of one of the peer's, Node says something else. */
export const OWN_CERTIFICATE_REFUSED =
  /alert (?:unknown ca|bad certificate|certificate (?:expired|unknown|revoked))/;

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
  const at = parseProxy(proxy);
  const { SocksClient } = await import("socks");
  try {
    const { socket } = await SocksClient.createConnection({
      command: "connect",
      proxy: {
        host: at.host,
        port: at.port,
        type: 5,
        ...(at.login && { userId: at.login.user, password: at.login.password }),
      },
      destination: { host, port },
      timeout: timeoutMs,
    });
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot connect to ${host}:${port} through ${at.shown}: ${reason}. ${adviceOn(reason)}`);
  }
}

/** The library names a SOCKS server's answer in its message alone. */
function adviceOn(reason: string): string {
  if (/NotAllowed/.test(reason)) {
    return (
      "The tunnel leads to the endpoints that the stack declares, as far as the web host permits them. Is this one declared? " +
      "What the web host has to permit, prints: npx estate tunnel --sshd-config"
    );
  }
  if (/authentication/i.test(reason)) {
    return 'ALL_PROXY has not the password of this tunnel. Set it anew: eval "$(npx estate tunnel --background)"';
  }
  if (/HostUnreachable/.test(reason)) {
    return "The tunnel is open, but the web host gets no answer from there: is the server up, and does its firewall let the web host in?";
  }
  return "Is the tunnel open? Run: npx estate tunnel";
}

/** A SOCKS5 proxy, as its URL says. */
export interface SocksProxy {
  host: string;
  port: number;
  login: { user: string; password: string } | undefined;
  /** The URL without user and password, for messages. */
  shown: string;
}

/** Errors name no password: what is no URL is not repeated. */
export function parseProxy(proxy: string): SocksProxy {
  let url: URL;
  let login: SocksProxy["login"];
  try {
    url = new URL(proxy);
    if (url.username) {
      login = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
    }
  } catch {
    throw new Error("ALL_PROXY is no URL. Use the form socks5://USER:PASSWORD@127.0.0.1:1080");
  }
  const port = Number(url.port || 1080);
  const shown = `${url.protocol}//${url.hostname}:${port}`;
  if (!/^socks5h?:$/.test(url.protocol)) {
    throw new Error(`ALL_PROXY is ${shown}. Only socks5:// is understood: socks5://127.0.0.1:1080`);
  }
  return { host: url.hostname, port, login, shown };
}
