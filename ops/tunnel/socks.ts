import * as net from "node:net";

/**
 * Whether a SOCKS5 proxy without password answers there. Never throws.
 * An open port alone would not do: another program may hold it.
 */
export function socksAnswers(host: string, port: number, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
    socket.once("connect", () => socket.write(Uint8Array.of(5, 1, 0)));
    socket.once("data", (data) => done(data[0] === 5 && data[1] === 0));
  });
}

/** Whether the port can be listened on. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
