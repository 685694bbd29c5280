import { MARIADB_SETTINGS, parseMariadb } from "./mariadb";
import { POSTGRES_SETTINGS, parsePostgres } from "./postgres";
import { parseRedis, REDIS_SETTINGS } from "./redis";
import type { Configuration, Listed } from "./setting";

export interface EngineFiles {
  label: string;
  parse(text: string): Configuration;
  listed: Listed;
  /** Settings that say where it listens. */
  listens: { address: string; port: string };
}

/** How each engine's configuration is read, and what it may hold. */
export const ENGINES: Readonly<Record<"mariadb" | "postgres" | "redis", EngineFiles>> = {
  mariadb: {
    label: "MariaDB",
    parse: parseMariadb,
    listed: MARIADB_SETTINGS,
    listens: { address: "bind_address", port: "port" },
  },
  postgres: {
    label: "PostgreSQL",
    parse: parsePostgres,
    listed: POSTGRES_SETTINGS,
    listens: { address: "listen_addresses", port: "port" },
  },
  redis: {
    label: "Redis",
    parse: parseRedis,
    listed: REDIS_SETTINGS,
    listens: { address: "bind", port: "tls-port" },
  },
};
