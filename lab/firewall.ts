import * as fs from "node:fs";
import * as path from "node:path";
import { lastLines } from "./command";
import { cloudPort, githubPort, hosts, type LabHost, operator } from "./hosts";
import { onConsole } from "./machine";
import { scripts } from "./paths";

/** One way in: a TCP port, and the address that may come. */
export interface LabDoor {
  port: number;
  from: string;
}

/**
 * The ways into a host whose firewall is not the program's: the web host's belongs to its panel, and `cloud` stands for
 * services of somebody else. None for the others: a blank host is closed by the program, and the stranger guards itself.
 */
export function labDoors({ image }: Pick<LabHost, "image">): LabDoor[] {
  if (image !== "web" && image !== "cloud") return [];
  const ssh = [operator.ipv4, operator.ipv6].map((from) => ({ port: 22, from }));
  if (image === "web") return ssh;
  const clients = hosts.filter((host) => host.image === "web" || host.image === "blank");
  const sources = [operator.ipv4, ...clients.map(({ ipv4 }) => ipv4)];
  return [...ssh, ...[cloudPort, githubPort].flatMap((port) => sources.map((from) => ({ port, from })))];
}

/** Closes such a host but for its doors; nothing to do on others. Repeatable, and kept when the host starts again. */
export async function closeHost(host: LabHost): Promise<void> {
  const doors = labDoors(host);
  if (doors.length === 0) return;
  const script = fs.readFileSync(path.join(scripts, "close-host.sh"), "utf8");
  const input = doors.map(({ port, from }) => `${port} ${from}\n`).join("");
  const closed = await onConsole(host, ["sh", "-c", script], { input, timeout: 60_000 });
  if (closed.code !== 0) throw new Error(`${host.name} has no firewall:\n${lastLines(closed.stderr, 12)}`);
}
