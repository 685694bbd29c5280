import * as net from "node:net";
import type { SocksProxy } from "../../connect/socket";

/** `locked`: it asks for another password than the one that is known, or for one where none is. */
export type ProxyState = "open" | "locked" | "silent";

/**
 * How a SOCKS5 proxy answers this login. Never throws.
 * An open port alone would not do: another program may hold it.
 */
export function proxyState(
  { host, port, login }: Pick<SocksProxy, "host" | "port" | "login">,
  timeoutMs = 2_000,
): Promise<ProxyState> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const done = (state: ProxyState) => {
      socket.destroy();
      resolve(state);
    };
    const method = login ? 2 : 0;
    const heard: number[] = [];
    socket.setTimeout(timeoutMs, () => done("silent"));
    socket.once("error", () => done("silent"));
    socket.once("close", () => done("silent"));
    socket.once("connect", () => socket.write(Uint8Array.of(5, 1, method)));
    socket.on("data", (data) => {
      heard.push(...data.subarray(0, 4));
      const [version, chosen, , verdict] = heard;
      if (chosen === undefined) return;
      if (version !== 5) return done("silent");
      if (chosen !== method) return done("locked");
      if (!login) return done("open");
      if (heard.length === 2) socket.write(loginOf(login.user, login.password));
      if (verdict !== undefined) done(verdict === 0 ? "open" : "locked");
    });
  });
}

/** RFC 1929. */
function loginOf(user: string, password: string): Uint8Array {
  const field = (text: string) => [Buffer.byteLength(text), ...Buffer.from(text)];
  return Uint8Array.of(1, ...field(user), ...field(password));
}

/** Whether the port can be listened on. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
