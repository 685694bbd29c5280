import type { Engine, ServerName } from "./types";

/** What a server is and does. Code asks this, and not what the server is called. */
export interface ServerTraits {
  engine: Engine;
  /** Made from a blank host by the program. Else it belongs to its panel, which says whom it trusts and what it shows. */
  provisioned: boolean;
  /** It keeps a log of changes, and so is recovered to a point in time. */
  changeLog: boolean;
  /** Databases that it takes; undefined: as many as its machine. */
  mostDatabases?: number;
}

const TRAITS: Readonly<Record<ServerName, ServerTraits>> = {
  plesk: { engine: "mariadb", provisioned: false, changeLog: false, mostDatabases: 5 },
  mariadb: { engine: "mariadb", provisioned: true, changeLog: true },
  postgres: { engine: "postgres", provisioned: true, changeLog: true },
};

/** undefined: no server of databases. */
export function traitsOf(server: ServerName): ServerTraits;
export function traitsOf(server: string): ServerTraits | undefined;
export function traitsOf(server: string): ServerTraits | undefined {
  return Object.hasOwn(TRAITS, server) ? TRAITS[server as ServerName] : undefined;
}
