import * as tls from "node:tls";

/**
 * Speaks TLS and a PING with a Redis, by a ticket of before or with a handshake of its own; another ticket. Throws what the server says,
 * and where it does not resume the ticket.
 * @param shown PEM of a private key and its certificate
 */
export function spokenTo(
  { port, caCertificate }: { port: number; caCertificate: string },
  {
    shown,
    ticket,
    version,
  }: { shown?: string | undefined; ticket?: Buffer | undefined; version?: tls.SecureVersion },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let last: Buffer | undefined;
    const socket = tls.connect({
      ...{ host: "127.0.0.1", servername: "localhost", port, ca: caCertificate, session: ticket },
      ...(version && { maxVersion: version }),
      ...(shown && { key: shown, cert: shown }),
    });
    socket.on("session", (session) => {
      last = session;
    });
    socket.on("error", reject);
    socket.once("data", () => {
      const resumed = socket.isSessionReused();
      socket.destroy();
      if (ticket && !resumed) reject(new Error("the server began a new session of TLS"));
      else if (last) resolve(last);
      else reject(new Error("the server gave no ticket"));
    });
    // Who is refused hears so in place of the answer.
    socket.once("secureConnect", () => socket.write("PING\r\n"));
  });
}
