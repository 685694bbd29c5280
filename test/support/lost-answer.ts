import { createServer, connect as dial, type Socket } from "node:net";

/** A way to a server on which the answer to the first large request gets lost, after the server has carried it out. */
export interface LosingWay {
  port: number;
  /** How many answers were lost. */
  lost(): number;
  close(): Promise<void>;
}

/** More than a handshake and headers, less than the body. */
const LARGE = 32 * 1024;

/** `port`: of the server, on 127.0.0.1. */
export async function losingWay(port: number): Promise<LosingWay> {
  let lost = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    let sent = 0;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => open.delete(socket));
    }
    client.on("data", (data) => {
      sent += data.length;
      upstream.write(data);
    });
    let losing = false;
    upstream.on("data", (data) => {
      if (losing) return;
      if (lost > 0 || sent < LARGE) return void client.write(data);
      losing = true;
      lost += 1;
      // It may be a word of the handshake: the body comes through all the same.
      setTimeout(() => {
        client.destroy();
        upstream.destroy();
      }, 1000);
    });
    client.on("end", () => upstream.end());
    upstream.on("end", () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    lost: () => lost,
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
