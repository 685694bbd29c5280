import { parseRange } from "../connect/address";
import { ADMIN, loginSlots } from "./naming";
import { stackServers } from "./servers";
import type { ClientCertificateUse, Estate, ServerEngine, ServerName } from "./types";

interface CommonReach {
  host: ServerName;
  port: number;
  protocol: "tcp";
  /** One address or a range, canonical; `localhost`: from the host itself only. */
  from: string;
  who: "web host" | "operators";
}

/** Who may log in to a host. */
export interface SshReach extends CommonReach {
  service: "ssh";
}

/** Who may log in to what on a database server. */
export interface DatabaseReach extends CommonReach {
  service: ServerEngine;
  /** undefined: all of them, which is the admin's; or the server has none (Redis, where a port is one service's). */
  database: string | undefined;
  /** Accounts on MariaDB, login slots on PostgreSQL, ACL users on Redis. */
  logins: readonly string[];
  tls: "required";
  /** `required`: the logins show a certificate of their own as well. */
  clientCertificate?: "required";
}

export type Reach = SshReach | DatabaseReach;

/**
 * Who may reach what: the one table that firewall rules, pg_hba.conf and the host parts of MariaDB accounts are made
 * from, so that they cannot disagree. What is not in it is refused. Database ports answer to the web host alone,
 * SSH to the operators' ranges alone. The web host's own SSH belongs to its panel and is not in it. Redis ACLs know no
 * addresses: there the firewall alone tells who may come, and each service's instance has a port of its own.
 */
export function reachability({ config, databases, redisUsers }: Estate): Reach[] {
  const { access } = config;
  const servers = stackServers(config.servers);
  const operators = [...new Set(access.operators.map(canonical))];
  const fromWebHost = { protocol: "tcp", from: canonical(access.pleskAddress), who: "web host" } as const;
  const rows: Reach[] = [];

  for (const { name: host, kind, server } of servers) {
    if (kind === "redis") {
      for (const { name, port, state, clientCertificate } of redisUsers) {
        if (state !== "live") continue;
        const door = {
          ...fromWebHost,
          host,
          port,
          service: kind,
          database: undefined,
          tls: "required",
        } as const;
        rows.push({ ...door, logins: [ADMIN, name], ...asked(clientCertificate) });
      }
      continue;
    }
    const service = kind === "panel" ? "mariadb" : kind;
    // The web host's applications live beside its own server.
    const { from, admin } =
      kind === "panel"
        ? { from: server.accountHost, admin: server.adminUser }
        : { from: fromWebHost.from, admin: ADMIN };
    const door = { ...fromWebHost, from, host, port: server.port, service, tls: "required" } as const;
    rows.push({ ...door, database: undefined, logins: [admin] });
    for (const { name, service: user, server: own, state, engine, clientCertificate } of databases) {
      if (own !== host || state !== "live") continue;
      // Both slots, whichever of them is in use: a rotation does not touch pg_hba.conf.
      const logins = engine === "postgres" ? loginSlots(user) : [user];
      rows.push({ ...door, database: name, logins, ...asked(clientCertificate) });
    }
  }

  for (const { name: host, kind, server } of servers) {
    if (kind === "panel") continue;
    for (const from of operators) {
      rows.push({ host, port: server.ssh.port, protocol: "tcp", from, who: "operators", service: "ssh" });
    }
  }
  return rows;
}

function asked(use: ClientCertificateUse | undefined): { clientCertificate?: "required" } {
  return use === "required" ? { clientCertificate: use } : {};
}

/** The part of the table that is about one host. */
export function reachOf(table: readonly Reach[], host: ServerName): Reach[] {
  return table.filter((row) => row.host === host);
}

/** The one address that a host's databases are reached from: host part of its MariaDB accounts. */
export function databaseSource(table: readonly Reach[]): string {
  const sources = [...new Set(table.filter((row) => row.service !== "ssh").map((row) => row.from))];
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    throw new Error(
      `a database server is reached from one address, not from ${sources.join(" and ") || "none"}`,
    );
  }
  return source;
}

function canonical(text: string): string {
  const range = parseRange(text);
  if (!range) throw new Error(`"${text}" is no address and no range`);
  return range.text;
}
