import type { Server } from "node:net";
import { openSsh, type SshConnection, SshError } from "../../connect/ssh";
import { messageOf } from "../exit";
import { startFront } from "./front";
import type { Answer, Orders } from "./process";
import { rightsOf } from "./rights";

/**
 * The process that holds a tunnel open: one SSH connection to the web host, and the SOCKS server in front of it. It ends with the
 * connection, by a signal, and, where it is not detached, with whoever started it.
 */
async function main(): Promise<void> {
  const ended = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => ended.abort());
  // Whoever started it may be gone before it has read the answer.
  process.stdout.on("error", () => {});
  const orders = await readOrders(() => ended.abort());
  let connection: SshConnection | undefined;
  let front: Server | undefined;
  try {
    const { ssh, hostKey, privateKey } = orders;
    connection = await openSsh({ ...ssh, hostKey, privateKey }, { signal: ended.signal });
    const opened = connection;
    const rights = await rightsOf(opened, { sshPort: ssh.port, endpoints: orders.endpoints });
    front = await startFront({
      port: orders.port,
      password: orders.password,
      endpoints: orders.endpoints,
      forward: (host, port) => opened.forward(host, port),
      log: (line) => process.stderr.write(`${line}\n`),
    });
    answer({ hostKey: opened.hostKey, rights });
    const aborted = new Promise<undefined>((resolve) =>
      ended.signal.addEventListener("abort", () => resolve(undefined)),
    );
    // A host that is gone does not take leave.
    const fault = await Promise.race([opened.ended, aborted]);
    if (!ended.signal.aborted) process.stderr.write(`${fault?.message ?? "the web host has hung up"}\n`);
    process.exitCode = ended.signal.aborted ? 0 : 1;
  } catch (error) {
    answer({ error: messageOf(error), code: error instanceof SshError ? error.code : "failed" });
    process.exitCode = 1;
  } finally {
    front?.close();
    connection?.close();
    // Clients may be connected, and standard input open: nothing of it is worth waiting for.
    process.stdout.write("", () => process.exit());
  }
}

function answer(text: Answer): void {
  process.stdout.write(`${JSON.stringify(text)}\n`);
}

/** The first line of standard input. `abandoned` is called when it ends, unless the orders say that it may. */
function readOrders(abandoned: () => void): Promise<Orders> {
  return new Promise((resolve) => {
    let text = "";
    let detached = false;
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk: string) => {
      const before = text.includes("\n");
      text += before ? "" : chunk;
      if (before || !text.includes("\n")) return;
      const orders = JSON.parse(text) as Orders;
      detached = orders.detached;
      resolve(orders);
    });
    process.stdin.once("close", () => {
      // Without orders nobody waits for an answer either.
      if (!text.includes("\n")) process.exit(1);
      if (!detached) abandoned();
    });
  });
}

void main();
