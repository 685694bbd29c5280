import type { MariadbConnection } from "../../../connect/mariadb";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import type { Server } from "./server";

export interface DatabaseInputs {
  name: string;
  defaultCharacterSet: string;
  defaultCollation: string;
}

const FIELDS: Fields = {
  name: { type: "string", required: true, replaces: true },
  defaultCharacterSet: { type: "string", default: "utf8" },
  defaultCollation: { type: "string", default: "utf8_general_ci" },
};

/**
 * `mysql:index/database:Database`. Creating one that exists is an error (1007), deleting one that does not too (1008).
 * The defaults, utf8 and utf8_general_ci, read back as utf8mb3 from a current MariaDB, so that every preview shows a
 * change: declare both.
 */
export const database: Kind<Server, DatabaseInputs, DatabaseInputs> = {
  token: "mysql:index/database:Database",
  check: (news) => checkFields("@pulumi/mysql", FIELDS, news),
  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  create: ({ config: server }, inputs) =>
    server.use(async (connection) => {
      await connection.query(statement("CREATE", inputs));
      return { id: inputs.name, state: (await readState(connection, inputs.name)) ?? inputs };
    }),

  async read({ config: server }, id, old) {
    const state = await server.use((connection) => readState(connection, id));
    if (!state) return undefined;
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id, inputs: inputs as unknown as DatabaseInputs, state };
  },

  update: ({ config: server }, _id, _old, news) =>
    server.use(async (connection) => {
      await connection.query(statement("ALTER", news));
      return (await readState(connection, news.name)) ?? news;
    }),

  async delete({ config: server }, id) {
    await server.use((connection) => connection.query(`DROP DATABASE ${ident(id)}`));
  },
};

export function statement(verb: "CREATE" | "ALTER", inputs: DatabaseInputs): string {
  const clauses = [`${verb} DATABASE ${ident(inputs.name)}`];
  if (inputs.defaultCharacterSet) clauses.push(`CHARACTER SET ${ident(inputs.defaultCharacterSet)}`);
  if (inputs.defaultCollation) clauses.push(`COLLATE ${ident(inputs.defaultCollation)}`);
  return clauses.join(" ");
}

async function readState(connection: MariadbConnection, name: string): Promise<DatabaseInputs | undefined> {
  const rows = await connection.query<{ [Name in keyof DatabaseInputs]: string }>(
    `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS defaultCharacterSet,
            DEFAULT_COLLATION_NAME AS defaultCollation
       FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`,
    [name],
  );
  return rows[0];
}

function ident(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
