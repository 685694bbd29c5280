import type { Engine } from "../types";
import type { Statement } from "./split";

/** One direction of a migration. */
export interface Script {
  /** As the project knows it: `sql/mcp_portal/0001_users.up.sql`, or where else the text is from. */
  source: string;
  /** Lines ended by LF. */
  text: string;
  /** SHA-256 of the text, lines ended by LF: 64 hex digits. */
  checksum: string;
  /** false: each statement commits by itself. MariaDB's always do. */
  transactional: boolean;
  /** In their order. */
  statements: Statement[];
}

/** A numbered step of a database's schema and its inverse. */
export interface Migration {
  /** `0001_users` */
  id: string;
  /** From 1 on, without gaps. */
  version: number;
  /** `users` */
  name: string;
  up: Script;
  down: Script;
}

/** Everything that stands under sql/<database>, in the order of the versions. */
export interface MigrationSet {
  database: string;
  engine: Engine;
  migrations: Migration[];
  /** What they make, as dumped by `make schemas`; empty: not dumped yet. */
  schema: string;
}
