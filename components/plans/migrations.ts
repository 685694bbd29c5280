import type { MigrationSet } from "../../estate/migrations/types";
import type { MigrationFiles } from "../../provider/resources";

/** The files of one database as its resource takes them. */
export function migrationFiles({ migrations }: MigrationSet): Record<string, MigrationFiles> {
  return Object.fromEntries(migrations.map(({ id, up, down }) => [id, { up: up.text, down: down.text }]));
}

/** Tables and views that a MariaDB database's migrations make, by its dumped schema; sorted. */
export function mariadbTables({ schema }: MigrationSet): { tables: string[]; views: string[] } {
  const names = (pattern: RegExp) =>
    [...new Set([...schema.matchAll(pattern)].map(([, name = ""]) => name))].sort();
  return { tables: names(/^CREATE TABLE `([^`]+)`/gm), views: names(/\bVIEW `([^`]+)` AS/g) };
}
