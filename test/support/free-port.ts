import { randomInt } from "node:crypto";
import * as net from "node:net";

/** Below the ports that this machine gives to connections of its own: one of those may be taken again before it is listened on. */
const FIRST = 20_000;
const BEHIND_LAST = 32_768;
const TRIES = 100;

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(FIRST, BEHIND_LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port of ${FIRST} to ${BEHIND_LAST - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
