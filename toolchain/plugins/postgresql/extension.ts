import { type Client, escapeIdentifier as ident } from "pg";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import type { Server } from "./server";

export interface ExtensionInputs {
  name: string;
  /** Default: the provider's database. */
  database?: string;
  schema?: string;
  version?: string;
  createCascade: boolean;
  dropCascade: boolean;
}

const FIELDS: Fields = {
  name: { type: "string", required: true, replaces: true },
  database: { type: "string", computed: true, replaces: true },
  schema: { type: "string", computed: true },
  version: { type: "string", computed: true },
  createCascade: { type: "boolean", default: false, local: true },
  dropCascade: { type: "boolean", default: false, local: true },
};

/** `postgresql:index/extension:Extension`. One that is there already is taken as it is. Id: `database.extension`. */
export const extension: Kind<Server, ExtensionInputs, ExtensionInputs> = {
  token: "postgresql:index/extension:Extension",
  check: (news) => checkFields("@pulumi/postgresql", FIELDS, news),
  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config: server }, inputs) {
    const database = inputs.database || server.config.database;
    const state = await server.inDatabase(database, async (client) => {
      await client.query(createStatement(inputs));
      return readState(client, { ...inputs, database });
    });
    return { id: `${database}.${inputs.name}`, state: state ?? inputs };
  },

  async read({ config: server }, id, old) {
    const known = old?.state ?? parseId(id);
    const database = known.database || server.config.database;
    const state = await server.readDatabase(database, (client) => readState(client, { ...known, database }));
    if (!state) return undefined;
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id: `${database}.${state.name}`, inputs: inputs as unknown as ExtensionInputs, state };
  },

  async update({ config: server }, _id, { state }, news) {
    const database = news.database || server.config.database;
    const updated = await server.inDatabase(database, async (client) => {
      for (const statement of alterStatements(state, news)) await client.query(statement);
      return readState(client, { ...news, database });
    });
    return updated ?? { ...state, ...news };
  },

  async delete({ config: server }, _id, { state }) {
    await server.inDatabase(state.database || server.config.database, (client) =>
      client.query(`DROP EXTENSION ${ident(state.name)} ${state.dropCascade ? "CASCADE" : "RESTRICT"}`),
    );
  },
};

export function createStatement(inputs: ExtensionInputs): string {
  const clauses = [`CREATE EXTENSION IF NOT EXISTS ${ident(inputs.name)}`];
  if (inputs.schema) clauses.push(`SCHEMA ${ident(inputs.schema)}`);
  if (inputs.version) clauses.push(`VERSION ${ident(inputs.version)}`);
  if (inputs.createCascade) clauses.push("CASCADE");
  return clauses.join(" ");
}

export function alterStatements(state: ExtensionInputs, news: ExtensionInputs): string[] {
  const alter = `ALTER EXTENSION ${ident(news.name)}`;
  const statements: string[] = [];
  if (news.schema && news.schema !== state.schema)
    statements.push(`${alter} SET SCHEMA ${ident(news.schema)}`);
  if (news.version && news.version !== state.version)
    statements.push(`${alter} UPDATE TO ${ident(news.version)}`);
  return statements;
}

async function readState(client: Client, known: ExtensionInputs): Promise<ExtensionInputs | undefined> {
  const { rows } = await client.query<{ schema: string; version: string }>(
    `SELECT n.nspname AS schema, e.extversion AS version
       FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = $1`,
    [known.name],
  );
  return rows[0] && { ...known, ...rows[0] };
}

function parseId(id: string): ExtensionInputs {
  const [database, name, ...more] = id.split(".");
  if (!database || !name || more.length > 0) {
    throw new Error(`the id "${id}" is no extension. Use the form database.extension`);
  }
  return { name, database, createCascade: false, dropCascade: false };
}
