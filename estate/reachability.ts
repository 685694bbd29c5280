import { parseRange } from "../connect/address";
import { ADMIN, loginSlots } from "./naming";
import { traitsOf } from "./servers";
import type { Estate, ServerName } from "./types";

/** A host that something can be reached on. */
export type HostName = ServerName | "redis";

interface CommonReach {
  host: HostName;
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
  service: "mariadb" | "postgres" | "redis";
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
  const { servers, access } = config;
  const live = databases.filter((entry) => entry.state === "live");
  const operators = [...new Set(access.operators.map(canonical))];
  const webHost = { protocol: "tcp", from: canonical(access.pleskAddress), who: "web host" } as const;
  const rows: Reach[] = [];

  for (const host of ["plesk", "mariadb"] as const) {
    // The web host's applications live beside its own server.
    const { provisioned } = traitsOf(host);
    const door = provisioned ? webHost : { ...webHost, from: servers.plesk.accountHost };
    const common = { ...door, host, port: servers[host].port, service: "mariadb", tls: "required" } as const;
    const admin = provisioned ? ADMIN : servers.plesk.adminUser;
    rows.push({ ...common, database: undefined, logins: [admin] });
    for (const { name, service, server, clientCertificate } of live) {
      if (server !== host) continue;
      rows.push({
        ...common,
        database: name,
        logins: [service],
        ...(clientCertificate === "required" && { clientCertificate }),
      });
    }
  }

  const postgres = {
    ...webHost,
    host: "postgres",
    port: servers.postgres.port,
    service: "postgres",
  } as const;
  rows.push({ ...postgres, database: undefined, logins: [ADMIN], tls: "required" });
  for (const { name, service, engine, clientCertificate } of live) {
    if (engine !== "postgres") continue;
    // Both slots, whichever of them is in use: a rotation does not touch pg_hba.conf.
    rows.push({
      ...postgres,
      database: name,
      logins: loginSlots(service),
      tls: "required",
      ...(clientCertificate === "required" && { clientCertificate }),
    });
  }

  if (servers.redis) {
    const redis = {
      ...webHost,
      host: "redis",
      service: "redis",
      database: undefined,
      tls: "required",
    } as const;
    for (const { name, port, state, clientCertificate } of redisUsers) {
      if (state !== "live") continue;
      rows.push({
        ...redis,
        port,
        logins: [ADMIN, name],
        ...(clientCertificate === "required" && { clientCertificate }),
      });
    }
  }

  for (const host of ["mariadb", "postgres", "redis"] as const) {
    const server = servers[host];
    if (!server) continue;
    for (const from of operators) {
      rows.push({ host, port: server.ssh.port, protocol: "tcp", from, who: "operators", service: "ssh" });
    }
  }
  return rows;
}

/** The part of the table that is about one host. */
export function reachOf(table: readonly Reach[], host: HostName): Reach[] {
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
