import type { RunningTunnel } from "../tunnel/running";
import { renderJson } from "./json";

const proxyUrl = (port: number) => `socks5://127.0.0.1:${port}`;

/** For `eval`: database drivers and the Pulumi plugins honour ALL_PROXY. */
export function exportLine(port: number): string {
  return `export ALL_PROXY=${proxyUrl(port)}\n`;
}

export function renderStatus(tunnel: RunningTunnel | undefined, port: number): string {
  if (!tunnel) return `no tunnel on 127.0.0.1:${port}\n`;
  return `open: ${proxyUrl(port)} through ${tunnel.destination} (process ${tunnel.pid})\n`;
}

export function renderStatusJson(tunnel: RunningTunnel | undefined): string {
  if (!tunnel) return renderJson({ open: false });
  const { pid, port, destination } = tunnel;
  return renderJson({ open: true, proxy: proxyUrl(port), destination, pid });
}
