import { randomBytes } from "node:crypto";
import type { MariadbServer } from "../connect/mariadb-server";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../connect/postgres-server";
import { quoteIdentifier, quoteString } from "../text/postgres";
import type { Description } from "./describe";
import { describeMariadb } from "./describe-mariadb";
import { describePostgres } from "./describe-postgres";
import { mariadbStore } from "./mariadb";
import { type PostgresDatabaseName, postgresStore } from "./postgres";
import { migrateUp } from "./run";
import type { AppliedMigration, DeclaredMigration, MigrationStore, RunOptions } from "./types";

/** A database that is migrated, on either engine. */
export interface MigratedDatabase {
  store: MigrationStore;
  describe(): Promise<Description>;
  /** Runs `work` on an empty database of its own beside this one, on the same server, and drops it again. */
  withScratch<T>(work: (scratch: Pick<MigratedDatabase, "store" | "describe">) => Promise<T>): Promise<T>;
}

/** Begins every scratch database's name; what a killed run left may be dropped by hand. */
const SCRATCH = "estate_scratch_";
const scratchName = () => `${SCRATCH}${randomBytes(6).toString("hex")}`;

export function postgresDatabase(
  server: PostgresServer,
  target: PostgresDatabaseName & { extensions: readonly string[] },
): MigratedDatabase {
  const { owner, extensions, lockTimeoutMs } = target;
  const of = (database: string) => ({
    store: postgresStore(server, { database, owner, ...(lockTimeoutMs !== undefined && { lockTimeoutMs }) }),
    describe: () => server.withConnection(database, describePostgres),
  });
  const asAdmin = (statement: string, database = MAINTENANCE_DATABASE) =>
    server.withConnection(database, (connection) => connection.query(statement));
  return {
    ...of(target.database),
    async withScratch(work) {
      const name = scratchName();
      const [like] = await server.withConnection(target.database, (connection) =>
        connection.query<{ encoding: string; collate: string; ctype: string }>(
          `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype
             FROM pg_database WHERE datname = current_database()`,
        ),
      );
      const locale =
        like &&
        `ENCODING ${quoteString(like.encoding)} LC_COLLATE ${quoteString(like.collate)} LC_CTYPE ${quoteString(like.ctype)}`;
      // Nobody but a superuser comes in: the limit is there before PUBLIC loses its right to connect.
      await asAdmin(
        `CREATE DATABASE ${name} OWNER ${quoteIdentifier(owner)} TEMPLATE template0 ${locale ?? ""} CONNECTION LIMIT 0`,
      );
      try {
        await asAdmin(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
        for (const extension of extensions)
          await asAdmin(`CREATE EXTENSION ${quoteIdentifier(extension)} SCHEMA public`, name);
        return await work(of(name));
      } finally {
        await asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }
    },
  };
}

export function mariadbDatabase(server: MariadbServer, target: { database: string }): MigratedDatabase {
  const of = (database: string) => ({
    store: mariadbStore(server, database),
    describe: () =>
      server.session(async (connection) => {
        await connection.query(`USE \`${database}\``);
        return describeMariadb(connection, database);
      }),
  });
  return {
    ...of(target.database),
    async withScratch(work) {
      const name = scratchName();
      const [like] = await server.query<{ charset: string; collation: string }>(
        "SELECT default_character_set_name AS charset, default_collation_name AS collation " +
          "FROM information_schema.schemata WHERE schema_name = ?",
        [target.database],
      );
      const defaults = like ? ` CHARACTER SET ${like.charset} COLLATE ${like.collation}` : "";
      await server.query(`CREATE DATABASE ${name}${defaults}`);
      try {
        return await work(of(name));
      } finally {
        await server.query(`DROP DATABASE IF EXISTS ${name}`);
      }
    },
  };
}

/** Brings an empty database to where another one stands: by its history, with the files. */
export async function replay(
  scratch: MigrationStore,
  history: readonly AppliedMigration[],
  declared: readonly DeclaredMigration[],
  options: RunOptions,
): Promise<void> {
  const to = Math.max(
    0,
    ...history.filter(({ step, steps }) => step === steps).map(({ version }) => version),
  );
  if (to > 0) await migrateUp(scratch, declared, { ...options, to, report: () => undefined });
}
