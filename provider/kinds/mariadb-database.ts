import { z } from "zod";
import type { MariadbConnection } from "../../connect/mariadb";
import type { MariadbServer } from "../../connect/mariadb-server";
import { quoteIdentifier } from "../../text/mariadb";
import { type CheckFailure, type Kind, type Properties, UNKNOWN } from "../wire/kind";

export interface MariadbDatabaseInputs {
  name: string;
  /** Default character set and collation of tables to come; existing tables keep theirs. */
  charset: string;
  collation: string;
}

const word = (what: string) =>
  z.string(`give ${what}`).regex(/^[a-z0-9_]{1,64}$/, `${what}: lower-case letters, digits and _`);
const fields = {
  name: word("the database's name"),
  charset: word("a character set such as utf8mb4"),
  collation: word("a collation such as utf8mb4_unicode_ci"),
};
type Field = keyof typeof fields;

/** `estate:mariadb:Database`; id and import id: the database's name. */
export const mariadbDatabase: Kind<{ mariadb?: MariadbServer }, MariadbDatabaseInputs> = {
  token: "estate:mariadb:Database",
  replaceOn: ["name"],

  check(news: Properties) {
    const unknownKeys = Object.keys(news).filter((key) => !(key in fields));
    const failures: CheckFailure[] = unknownKeys.map((property) => ({
      property,
      reason: `no such property; known here: ${Object.keys(fields).join(", ")}`,
    }));
    for (const [property, schema] of Object.entries(fields) as [Field, z.ZodString][]) {
      if (news[property] === UNKNOWN) continue;
      const result = schema.safeParse(news[property]);
      if (!result.success)
        failures.push({ property, reason: result.error.issues.map((issue) => issue.message).join("; ") });
    }
    return { inputs: news, failures };
  },

  async create({ config }, inputs) {
    await server(config).exclusive(async (connection) => {
      if ((await find(connection, inputs.name)) && !(await isEmpty(connection, inputs.name))) {
        throw new Error(
          `database ${inputs.name} exists and holds data, so it is not taken over unasked. If it is the one meant: ` +
            `pulumi import estate:mariadb:Database <resource name> ${inputs.name}`,
        );
      }
      await converge(connection, inputs);
    });
    return { id: inputs.name, state: { ...inputs } };
  },

  async read({ config }, id) {
    const found = await find(server(config), id);
    return found && { id, inputs: found, state: found };
  },

  async update({ config }, _id, _old, news) {
    await server(config).exclusive((connection) => converge(connection, news));
    return { ...news };
  },

  async delete({ config }, id) {
    await server(config).exclusive(async (connection) => {
      if (!(await find(connection, id))) return;
      if (!(await isEmpty(connection, id))) {
        throw new Error(
          `database ${id} holds data and is not dropped by this program: dump it, drop it by hand, and run again`,
        );
      }
      await connection.query(`DROP DATABASE ${quoteIdentifier(id)}`);
    });
  },
};

function server(config: { mariadb?: MariadbServer }): MariadbServer {
  if (!config.mariadb)
    throw new Error("the provider of this resource has no `mariadb` server: set its `mariadb` property");
  return config.mariadb;
}

async function converge(
  connection: MariadbConnection,
  { name, charset, collation }: MariadbDatabaseInputs,
): Promise<void> {
  const defaults = `CHARACTER SET ${quoteIdentifier(charset)} COLLATE ${quoteIdentifier(collation)}`;
  await connection.query(`CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)} ${defaults}`);
  await connection.query(`ALTER DATABASE ${quoteIdentifier(name)} ${defaults}`);
}

async function find(
  connection: Pick<MariadbConnection, "query">,
  name: string,
): Promise<MariadbDatabaseInputs | undefined> {
  const [row] = await connection.query<{ charset: string; collation: string }>(
    "SELECT default_character_set_name AS charset, default_collation_name AS collation " +
      "FROM information_schema.schemata WHERE schema_name = ?",
    [name],
  );
  return row && { name, charset: row.charset, collation: row.collation };
}

/** What an interrupted run leaves: the database, and nothing in it. */
async function isEmpty(connection: MariadbConnection, name: string): Promise<boolean> {
  const [row] = await connection.query<{ objects: number }>(
    "SELECT (SELECT count(*) FROM information_schema.tables WHERE table_schema = ?) + " +
      "(SELECT count(*) FROM information_schema.routines WHERE routine_schema = ?) + " +
      "(SELECT count(*) FROM information_schema.events WHERE event_schema = ?) AS objects",
    [name, name, name],
  );
  return Number(row?.objects) === 0;
}
