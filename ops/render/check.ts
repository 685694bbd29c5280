import { traitsOf } from "../../estate/servers";
import type { Reach } from "../reach/check";
import { renderJson } from "./json";
import { printableLine } from "./printable";
import { type Column, painter, renderTable } from "./table";

export interface CheckReport {
  stack: string;
  results: readonly Reach[];
}

export interface Count {
  reachable: number;
  total: number;
}

export function countReachable(results: readonly Reach[], kind: Reach["kind"]): Count {
  const ofKind = results.filter((result) => result.kind === kind);
  return { reachable: ofKind.filter((result) => result.reachable).length, total: ofKind.length };
}

/** The table, then every failure with its reason, then the closing line. */
export function renderCheck({ results }: CheckReport, options: { colour: boolean }): string {
  const databases = results.filter((result) => result.kind === "database");
  const redis = results.filter((result) => result.kind === "redis");
  const parts = [
    databases.length > 0 ? renderTable(columns("database", options.colour, databases), databases) : "",
    redis.length > 0 ? renderTable(columns("redis user", options.colour, redis), redis) : "",
    renderFailures(results),
    renderWarnings(results),
    renderClientWarnings(results),
    `${renderSummary(results)}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

export function renderCheckJson({ stack, results }: CheckReport): string {
  return renderJson({
    stack,
    ok: results.every((result) => result.reachable),
    databases: countReachable(results, "database"),
    redis: countReachable(results, "redis"),
    results: results.map((result) => ({
      ...result,
      latencyMs: result.latencyMs && Number(result.latencyMs.toFixed(2)),
      loginMs: result.loginMs && Number(result.loginMs.toFixed(2)),
    })),
  });
}

/** `20/20 databases reachable, 6/6 redis users reachable`; a kind that was not asked for is left out. */
export function renderSummary(results: readonly Reach[]): string {
  const databases = countReachable(results, "database");
  const redis = countReachable(results, "redis");
  const part = ({ reachable, total }: Count, noun: string) =>
    total > 0 ? [`${reachable}/${total} ${noun} reachable`] : [];
  return [...part(databases, "databases"), ...part(redis, "redis users")].join(", ");
}

function columns(head: string, colour: boolean, results: readonly Reach[]): Column<Reach>[] {
  const paint = painter(colour);
  const own: Column<Reach> = {
    head: "own cert days",
    cell: (result) => String(result.clientCertificateDaysLeft ?? "-"),
    align: "right",
  };
  return [
    { head, cell: (result) => result.name },
    { head: "server", cell: (result) => result.server },
    { head: "host", cell: (result) => (result.host ? `${result.host}:${result.port}` : "-") },
    { head: "version", cell: (result) => result.version ?? "-" },
    { head: "tls", cell: (result) => result.tlsProtocol || "-" },
    { head: "cert days", cell: (result) => String(result.certificateDaysLeft ?? "-"), align: "right" },
    ...(results.some(({ clientCertificateDaysLeft }) => clientCertificateDaysLeft !== undefined)
      ? [own]
      : []),
    { head: "latency ms", cell: (result) => milliseconds(result.latencyMs), align: "right" },
    { head: "login ms", cell: (result) => milliseconds(result.loginMs), align: "right" },
    { head: "result", cell: (result) => (result.reachable ? paint.good("ok") : paint.bad("FAILED")) },
  ];
}

/** From here on a certificate is worth a warning: `up` renews it long before. */
const WARN_DAYS = 30;

/** One line a server, whatever else is well: the exit code does not change for them. */
function renderWarnings(results: readonly Reach[]): string {
  const servers = new Map<string, number>();
  for (const { server, certificateDaysLeft: days } of results) {
    if (days !== undefined && days <= WARN_DAYS) servers.set(server, days);
  }
  return [...servers]
    .map(([server, days]) => {
      const ours = traitsOf(server).management === "provisioned";
      const fix = ours ? "run: pulumi up" : "renew it on its host, then run: pulumi up";
      return `warning: the certificate of ${server} ends in ${days} days; ${fix}\n`;
    })
    .join("");
}

/** One line a service: each has a certificate of its own. */
function renderClientWarnings(results: readonly Reach[]): string {
  return results
    .flatMap(({ name, clientCertificateDaysLeft: days }) =>
      days !== undefined && days <= WARN_DAYS
        ? [`warning: the client certificate of ${name} ends in ${days} days; run: pulumi up\n`]
        : [],
    )
    .join("");
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(1);
}

/** One line a reason: a server that is down fails all its databases for the same one. */
function renderFailures(results: readonly Reach[]): string {
  const byReason = new Map<string, string[]>();
  for (const { name, reachable, reason = "unknown" } of results) {
    if (!reachable) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, names]) => `${names.join(", ")}: ${printableLine(reason)}\n`).join("");
}
