import { type PostgresConnection, PostgresError } from "../../connect/postgres";
import type { PostgresServer } from "../../connect/postgres-server";
import { quoteIdentifier } from "../../text/postgres";
import type { Kind } from "../wire/kind";
import { ifThere } from "./postgres/if-there";
import { exclusive } from "./postgres/queue";
import { type PostgresConfig, serverOf } from "./postgres/server";
import { applyRowSecurity, closeRowSecurity } from "./row-security/apply";
import { checkRowSecurity } from "./row-security/check";
import { importedRowSecurity } from "./row-security/import";
import { createIndexes } from "./row-security/indexes";
import type { RowSecurityInputs } from "./row-security/inputs";
import { readRowSecurity } from "./row-security/read";

/**
 * `estate:postgres:RowSecurity`: who sees and changes which rows of one database. It owns schema `context` with its functions
 * and keys, the identities' roles and who may take them, row security of each declared table, every policy of the database,
 * and all that is granted on its schemas and what is in them; estate:postgres:Access of the same database has no schemas
 * then, and owns what is granted on the database itself and default privileges. Id and import id: the database's name.
 *
 * Tables, views and functions are there before it (a migration). Everything changes in one transaction, indexes apart, which
 * are created concurrently afterwards. Deleting it closes the database: see closeRowSecurity. The admin is a superuser.
 */
export const postgresRowSecurity: Kind<PostgresConfig, RowSecurityInputs> = {
  token: "estate:postgres:RowSecurity",
  secretInputs: ["keys"],
  secretOutputs: ["keys"],
  replaceOn: ["database"],

  check: checkRowSecurity,

  async create({ config, signal }, inputs) {
    await converge(serverOf(config), signal, inputs);
    return { id: inputs.database, state: { ...inputs } };
  },

  async read({ config }, id, old) {
    const server = serverOf(config);
    const inputs = await ifThere(id, () =>
      server.withConnection(id, (connection) =>
        lookedAt(connection, async () =>
          readRowSecurity(connection, old?.inputs ?? (await importedRowSecurity(connection, id))),
        ),
      ),
    );
    return inputs && { id, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    await converge(serverOf(config), signal, news);
    return { ...news };
  },

  async delete({ config, signal }, _id, { inputs }) {
    const server = serverOf(config);
    await exclusive(server, signal, async (maintenance) => {
      await ifThere(inputs.database, () =>
        server.withConnection(inputs.database, (connection) =>
          connection.transaction(() => closeRowSecurity(connection, inputs)),
        ),
      );
      for (const role of Object.keys(inputs.identities)) await dropIdentity(maintenance, role);
    });
  },
};

async function converge(
  server: PostgresServer,
  signal: AbortSignal,
  inputs: RowSecurityInputs,
): Promise<void> {
  await exclusive(server, signal, () =>
    server.withConnection(inputs.database, (connection) =>
      connection.transaction(() => applyRowSecurity(connection, inputs)),
    ),
  );
  signal.throwIfAborted();
  await server.withConnection(inputs.database, (connection) => createIndexes(connection, inputs));
}

/** Reading makes temporary tables, of which nothing stays. */
async function lookedAt<T>(connection: PostgresConnection, look: () => Promise<T>): Promise<T> {
  await connection.query("BEGIN");
  try {
    return await look();
  } finally {
    if (connection.alive) await connection.query("ROLLBACK");
  }
}

async function dropIdentity(maintenance: PostgresConnection, role: string): Promise<void> {
  await maintenance.query(`DROP ROLE IF EXISTS ${quoteIdentifier(role)}`).catch((error: unknown) => {
    if (!(error instanceof PostgresError) || error.code !== "2BP01") throw error;
    throw new Error(
      `role ${role} cannot be dropped, it is still needed: ${error.detail ?? error.message}. ` +
        "Give those objects to another role (REASSIGN OWNED) or drop them, then run this again",
    );
  });
}
