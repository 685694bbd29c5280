import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import * as fs from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

interface Addresses {
  ipv4: string;
  ipv6: string;
}

/** A cable between this machine and one of a test's. */
export interface MachineNetwork {
  /** The test machine's end. */
  machine: Addresses;
  /** Addresses of this end, for whoever the test plays. */
  operator: Addresses;
  service: Addresses;
  stranger: Addresses;
  /** What joins the machine's end, in front of a command. */
  enter: string[];
  remove(): void;
}

/**
 * A network namespace with a cable to this machine: the firewall of what runs in it is its own. Its addresses are of ranges for
 * private use. It has no name and goes with the test's process. Needs root and iproute2.
 */
export async function makeMachineNetwork(): Promise<MachineNetwork> {
  const number = randomInt(1, 255);
  const device = `test-${number}`;
  const address = (host: number): Addresses => ({
    ipv4: `10.79.${number}.${host}`,
    ipv6: `fd79:${number.toString(16)}::${host}`,
  });
  const [operator, machine, service, stranger] = [address(1), address(2), address(3), address(66)] as const;
  const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"], {
    stdio: "ignore",
  });
  // Its end of the cable goes with the namespace, and the other end with it.
  const remove = () => void holder.kill("SIGKILL");
  try {
    const namespace = `/proc/${await holding(holder)}/ns/net`;
    const enter = ["nsenter", `--net=${namespace}`];
    const there = (...words: string[]) => run("nsenter", [`--net=${namespace}`, "ip", ...words]);
    const here = (...words: string[]) => run("ip", words);
    const give = async (ip: typeof here, on: string, { ipv4, ipv6 }: Addresses) => {
      await ip("address", "add", `${ipv4}/24`, "dev", on);
      // nodad: the address answers at once.
      await ip("address", "add", `${ipv6}/64`, "dev", on, "nodad");
    };
    await here(
      "link",
      "add",
      "name",
      device,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      `${holder.pid}`,
    );
    for (const one of [operator, service, stranger]) await give(here, device, one);
    await give(there, "eth0", machine);
    await here("link", "set", "dev", device, "up");
    await there("link", "set", "dev", "lo", "up");
    await there("link", "set", "dev", "eth0", "up");
    return { machine, operator, service, stranger, enter, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The process once it is in a namespace of its own. */
async function holding(holder: ChildProcess): Promise<number> {
  const ours = await fs.readlink("/proc/self/ns/net");
  for (let round = 0; round < 100 && holder.pid !== undefined; round++) {
    const theirs = await fs.readlink(`/proc/${holder.pid}/ns/net`).catch(() => ours);
    if (theirs !== ours) return holder.pid;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no network namespace could be made: setpriv or unshare did not start");
}
