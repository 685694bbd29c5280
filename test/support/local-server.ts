import type { ServerName } from "../../estate/types";
import type { MariadbEngine, MariadbVersion } from "./engines-mariadb";
import type { LocalHost } from "./local-host";
import { mariadbHost } from "./local-host-mariadb";
import { localPostgresHost } from "./local-host-postgres";
import type { PostgresHost } from "./postgres-host";

export type LocalServer =
  | { name: ServerName; kind: "mariadb"; engine: MariadbEngine; version: MariadbVersion }
  | { name: ServerName; kind: "postgres"; engine: PostgresHost };

export function localHost(server: LocalServer): Promise<LocalHost> {
  return server.kind === "mariadb"
    ? mariadbHost(server.engine, server.name)
    : localPostgresHost(server.name, server.engine);
}
