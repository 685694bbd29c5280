import { type Client, escapeIdentifier as ident } from "pg";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { asMemberOf, type Server } from "./server";

export interface SchemaInputs {
  name: string;
  /** Default: the provider's database. */
  database?: string;
  owner?: string;
  ifNotExists: boolean;
  dropCascade: boolean;
}

const FIELDS: Fields = {
  name: { type: "string", required: true },
  database: { type: "string", computed: true, replaces: true },
  owner: { type: "string", computed: true },
  ifNotExists: { type: "boolean", default: true, local: true },
  dropCascade: { type: "boolean", default: false, local: true },
};

/**
 * `postgresql:index/schema:Schema`, without the deprecated `policies`. One that is there already (`public`) is taken,
 * and gets the owner declared. Id: `database.schema`.
 */
export const schema: Kind<Server, SchemaInputs, SchemaInputs> = {
  token: "postgresql:index/schema:Schema",
  check: (news) => checkFields("@pulumi/postgresql", FIELDS, news),
  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config: server }, inputs) {
    const database = inputs.database || server.config.database;
    const state = await server.inDatabase(database, async (client) => {
      const found = await readState(client, { ...inputs, database });
      await asMemberOf(client, [await databaseOwner(client), found?.owner, inputs.owner], async () => {
        for (const statement of createStatements(inputs, found)) await client.query(statement);
      });
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
    return { id: `${database}.${state.name}`, inputs: inputs as unknown as SchemaInputs, state };
  },

  async update({ config: server }, _id, { state }, news) {
    const database = news.database || server.config.database;
    const updated = await server.inDatabase(database, async (client) => {
      await asMemberOf(client, [await databaseOwner(client), state.owner, news.owner], async () => {
        for (const statement of alterStatements(state, news)) await client.query(statement);
      });
      return readState(client, { ...news, database });
    });
    return updated ?? { ...state, ...news };
  },

  async delete({ config: server }, _id, { state }) {
    await server.readDatabase(state.database || server.config.database, async (client) => {
      if (!(await readState(client, state))) return;
      await asMemberOf(client, [state.owner], () =>
        client.query(`DROP SCHEMA ${ident(state.name)} ${state.dropCascade ? "CASCADE" : "RESTRICT"}`),
      );
    });
  },
};

/** `found`: the schema as it is there already. */
export function createStatements(inputs: SchemaInputs, found: SchemaInputs | undefined): string[] {
  const name = ident(inputs.name);
  if (found && inputs.ifNotExists) {
    return inputs.owner && inputs.owner !== found.owner
      ? [`ALTER SCHEMA ${name} OWNER TO ${ident(inputs.owner)}`]
      : [];
  }
  const create = inputs.ifNotExists ? "CREATE SCHEMA IF NOT EXISTS" : "CREATE SCHEMA";
  return [`${create} ${name}${inputs.owner ? ` AUTHORIZATION ${ident(inputs.owner)}` : ""}`];
}

export function alterStatements(state: SchemaInputs, news: SchemaInputs): string[] {
  const name = ident(news.name);
  const statements: string[] = [];
  if (news.name !== state.name) statements.push(`ALTER SCHEMA ${ident(state.name)} RENAME TO ${name}`);
  if (news.owner && news.owner !== state.owner)
    statements.push(`ALTER SCHEMA ${name} OWNER TO ${ident(news.owner)}`);
  return statements;
}

async function databaseOwner(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ owner: string }>(
    "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()",
  );
  return rows[0]?.owner;
}

async function readState(client: Client, known: SchemaInputs): Promise<SchemaInputs | undefined> {
  const { rows } = await client.query<{ owner: string }>(
    "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1",
    [known.name],
  );
  return rows[0] && { ...known, owner: rows[0].owner };
}

function parseId(id: string): SchemaInputs {
  const [database, name, ...more] = id.split(".");
  if (!database || !name || more.length > 0) {
    throw new Error(`the id "${id}" is no schema. Use the form database.schema`);
  }
  return { name, database, ifNotExists: true, dropCascade: false };
}
