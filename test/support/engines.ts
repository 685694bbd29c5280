import { type MariadbEngine, type MariadbVersion, startMariadb } from "./engines-mariadb";
import { type PostgresEngine, type PostgresVersion, startPostgres } from "./engines-postgres";

export type EngineName = `mariadb-${MariadbVersion}` | `postgres-${PostgresVersion}`;
export type Engine = MariadbEngine | PostgresEngine;

/** Starts a real throw-away server of one of the versions that the contract tests run against. */
export function startEngine(name: EngineName): Promise<Engine> {
  switch (name) {
    case "mariadb-10.11":
    case "mariadb-11.8":
      return startMariadb(name === "mariadb-10.11" ? "10.11" : "11.8");
    case "postgres-16":
    case "postgres-17":
      return startPostgres(name === "postgres-16" ? "16" : "17");
  }
}
