import * as net from "node:net";

/** An abstract socket: the kernel frees it with its process, so no crash leaves a lock behind. */
const name = "\0estate-lab";

/** Runs work while no other command changes the lab on this machine. Errors: another one does. */
export async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = "another lab command is at work on this machine. Wait until it ends, or end it";
      reject(error.code === "EADDRINUSE" ? new Error(taken) : error);
    });
    server.listen(name, resolve);
  });
  try {
    return await work();
  } finally {
    server.close();
  }
}
