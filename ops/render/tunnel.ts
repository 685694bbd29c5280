import { proxyUrl } from "../tunnel/password";
import { destination, type TunnelPlan } from "../tunnel/process";
import type { RunningTunnel } from "../tunnel/running";
import { renderJson } from "./json";

/** For `eval`: database drivers and the Pulumi plugins honour ALL_PROXY. Holds the tunnel's password. */
export function exportLine({ port, password }: RunningTunnel): string {
  return `export ALL_PROXY=${proxyUrl(port, password)}\n`;
}

export function renderStatus(tunnel: RunningTunnel | undefined, port: number): string {
  if (!tunnel) return `no tunnel on 127.0.0.1:${port}\n`;
  return `open: 127.0.0.1:${port} through ${tunnel.destination} (process ${tunnel.pid})\n`;
}

/** `proxy` is there where it was asked for, for it holds the tunnel's password. */
export function renderTunnelJson(
  tunnel: RunningTunnel | undefined,
  { withProxy = false, rights }: { withProxy?: boolean; rights?: readonly string[] } = {},
): string {
  if (!tunnel) return renderJson({ open: false });
  const { pid, port, destination, endpoints, password } = tunnel;
  const proxy = withProxy ? { proxy: proxyUrl(port, password) } : {};
  return renderJson({ open: true, ...proxy, destination, endpoints, pid, ...(rights && { rights }) });
}

/** One finding: what the user of the way in can do beside forwarding to declared endpoints, and how to take it away. */
export function renderRights(user: string, rights: readonly string[]): string {
  return (
    `${user} on the web host can do more than forward to declared endpoints: ${rights.join("; ")}. ` +
    `Put what \`estate tunnel --sshd-config\` prints into /etc/ssh/sshd_config.d there, and reload sshd`
  );
}

export function renderWayIn({ ssh, endpoints }: TunnelPlan, rights: readonly string[]): string {
  if (rights.length > 0) return `${renderRights(ssh.user, rights)}\n`;
  return `${destination(ssh)} forwards to ${endpoints.length} declared endpoints and does nothing else\n`;
}
