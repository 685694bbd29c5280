import type { Engine } from "../types";
import type { Token } from "./token";
import { mariadbTokenAt } from "./tokens-mariadb";
import { postgresTokenAt } from "./tokens-postgres";

/** The token at `at`, which is inside the text. Throws UnfinishedSql. */
export function tokenAt(sql: string, at: number, engine: Engine): Token {
  return engine === "postgres" ? postgresTokenAt(sql, at) : mariadbTokenAt(sql, at);
}
