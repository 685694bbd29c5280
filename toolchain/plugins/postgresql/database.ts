import { type Client, escapeIdentifier as ident, escapeLiteral as literal } from "pg";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { asMemberOf, type Server } from "./server";

export interface DatabaseInputs {
  name: string;
  owner?: string;
  template?: string;
  encoding?: string;
  lcCollate?: string;
  lcCtype?: string;
  tablespaceName?: string;
  connectionLimit: number;
  allowConnections: boolean;
  isTemplate?: boolean;
}

const noDefault = (value: unknown) =>
  String(value).toUpperCase() === "DEFAULT"
    ? "unsupported by the stand-in of @pulumi/postgresql: give the value, or leave it out"
    : undefined;

const FIELDS: Fields = {
  name: { type: "string", required: true },
  owner: { type: "string", computed: true, fault: noDefault },
  template: { type: "string", computed: true, replaces: true, fault: noDefault },
  encoding: { type: "string", computed: true, replaces: true, fault: noDefault },
  lcCollate: { type: "string", computed: true, replaces: true, fault: noDefault },
  lcCtype: { type: "string", computed: true, replaces: true, fault: noDefault },
  tablespaceName: { type: "string", computed: true, fault: noDefault },
  connectionLimit: {
    type: "number",
    default: -1,
    fault: (value) => ((value as number) < -1 ? "must be -1 (no limit) or more" : undefined),
  },
  allowConnections: { type: "boolean", default: true },
  isTemplate: { type: "boolean", computed: true },
};

/**
 * `postgresql:index/database:Database`. Creating one that exists is an error (42P04). Encoding, locale and template
 * replace it, all else is altered in place. Deleting closes it, ends its sessions and drops it.
 */
export const database: Kind<Server, DatabaseInputs, DatabaseInputs> = {
  token: "postgresql:index/database:Database",
  check: (news) => checkFields("@pulumi/postgresql", FIELDS, news),
  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config: server }, inputs) {
    return server.admin(async (client) => {
      await asMemberOf(client, [inputs.owner], () =>
        client.query(createStatement(inputs, server.config.username)),
      );
      return { id: inputs.name, state: (await readState(client, inputs.name, inputs)) ?? inputs };
    });
  },

  async read({ config: server }, id, old) {
    const state = await server.admin((client) => readState(client, old?.state.name ?? id, old?.state));
    if (!state) return undefined;
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id: state.name, inputs: inputs as unknown as DatabaseInputs, state };
  },

  async update({ config: server }, _id, { state }, news) {
    return server.admin(async (client) => {
      const statements = alterStatements(state, news);
      await asMemberOf(client, [news.owner], async () => {
        for (const statement of statements) await client.query(statement);
      });
      return (await readState(client, news.name, { ...state, ...news })) ?? { ...state, ...news };
    });
  },

  async delete({ config: server }, _id, { state }) {
    const name = ident(state.name);
    await server.admin((client) =>
      asMemberOf(client, [state.owner], async () => {
        if (state.isTemplate) await client.query(`ALTER DATABASE ${name} IS_TEMPLATE false`);
        await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
      }),
    );
  },
};

/** The real plugin's defaults: template0, UTF8, the connecting user as owner, the template's locale. */
export function createStatement(inputs: DatabaseInputs, admin: string): string {
  const clauses = [
    `CREATE DATABASE ${ident(inputs.name)}`,
    `OWNER ${ident(inputs.owner || admin)}`,
    `TEMPLATE ${ident(inputs.template || "template0")}`,
    `ENCODING ${literal(inputs.encoding || "UTF8")}`,
  ];
  if (inputs.lcCollate) clauses.push(`LC_COLLATE ${literal(inputs.lcCollate)}`);
  if (inputs.lcCtype) clauses.push(`LC_CTYPE ${literal(inputs.lcCtype)}`);
  if (inputs.tablespaceName) clauses.push(`TABLESPACE ${ident(inputs.tablespaceName)}`);
  clauses.push(`ALLOW_CONNECTIONS ${inputs.allowConnections}`);
  clauses.push(`CONNECTION LIMIT ${inputs.connectionLimit}`);
  clauses.push(`IS_TEMPLATE ${inputs.isTemplate ?? false}`);
  return clauses.join(" ");
}

/** What turns `state` into `news`, the new name first: the rest goes by it. */
export function alterStatements(state: DatabaseInputs, news: DatabaseInputs): string[] {
  const statements: string[] = [];
  const alter = `ALTER DATABASE ${ident(news.name)}`;
  if (news.name !== state.name)
    statements.push(`ALTER DATABASE ${ident(state.name)} RENAME TO ${ident(news.name)}`);
  if (news.owner && news.owner !== state.owner) statements.push(`${alter} OWNER TO ${ident(news.owner)}`);
  if (news.tablespaceName && news.tablespaceName !== state.tablespaceName) {
    statements.push(`${alter} SET TABLESPACE ${ident(news.tablespaceName)}`);
  }
  if (news.connectionLimit !== state.connectionLimit)
    statements.push(`${alter} CONNECTION LIMIT ${news.connectionLimit}`);
  if (news.allowConnections !== state.allowConnections) {
    statements.push(`${alter} ALLOW_CONNECTIONS ${news.allowConnections}`);
  }
  if (news.isTemplate !== undefined && news.isTemplate !== state.isTemplate) {
    statements.push(`${alter} IS_TEMPLATE ${news.isTemplate}`);
  }
  return statements;
}

async function readState(
  client: Client,
  name: string,
  known: Partial<DatabaseInputs> | undefined,
): Promise<DatabaseInputs | undefined> {
  const { rows } = await client.query<DatabaseInputs>(
    `SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding,
            d.datcollate AS "lcCollate", d.datctype AS "lcCtype", t.spcname AS "tablespaceName",
            d.datconnlimit AS "connectionLimit", d.datallowconn AS "allowConnections", d.datistemplate AS "isTemplate"
       FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1`,
    [name],
  );
  // The server does not keep which template a database was made from.
  return rows[0] && { ...rows[0], template: known?.template || "template0" };
}
