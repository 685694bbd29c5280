import * as fs from "node:fs";
import { hosts, type LabHost } from "./hosts";
import { answersSsh, initProcess, onConsole } from "./machine";
import { run } from "./paths";

export interface HostStatus {
  name: string;
  fqdn: string;
  ipv4: string;
  ipv6: string;
  purpose: string;
  /** Process id of the host's PID 1 on this machine; null when the host is off. */
  init: number | null;
  /** What systemd says of itself: running, degraded, starting, ...; "off" when the host is. */
  state: string;
  ssh: boolean;
}

export interface LabStatus {
  /** Every host runs and greets over SSH. */
  up: boolean;
  /** The checkout that the lab belongs to; null when there is none. */
  owner: string | null;
  hosts: HostStatus[];
}

export async function status(): Promise<LabStatus> {
  const owner = fs.existsSync(run.owner) ? fs.readFileSync(run.owner, "utf8").trim() : null;
  const found = await Promise.all(hosts.map(hostStatus));
  return { up: found.every(({ init, ssh }) => init !== null && ssh), owner, hosts: found };
}

async function hostStatus(host: LabHost): Promise<HostStatus> {
  const { name, fqdn, ipv4, ipv6, purpose } = host;
  const init = initProcess(host) ?? null;
  if (init === null) return { name, fqdn, ipv4, ipv6, purpose, init, state: "off", ssh: false };
  const [systemd, ssh] = await Promise.all([
    onConsole(host, ["systemctl", "is-system-running"], { timeout: 5_000 }),
    answersSsh(host),
  ]);
  return { name, fqdn, ipv4, ipv6, purpose, init, state: systemd.stdout.trim() || "unknown", ssh };
}

export function renderStatus(found: LabStatus): string {
  const rows = [
    ["host", "address", "IPv6", "state", "ssh", "purpose"],
    ...found.hosts.map((h) => [h.name, h.ipv4, h.ipv6, h.state, h.ssh ? "yes" : "no", h.purpose]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const head = found.owner ? `lab of ${found.owner}` : "there is no lab; bring it up with: lab/lab up";
  return [head, ...(found.owner ? lines : [])].join("\n");
}
