import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { PostgresConnection } from "../../connect/postgres";
import { MAINTENANCE_DATABASE, type PostgresServer } from "../../connect/postgres-server";
import { PLAIN_NAME, quoteIdentifier, quoteString } from "../../text/postgres";
import type { Kind, Properties } from "../wire/kind";
import { checkFields, type Field } from "./postgres/check-fields";
import { findDatabase, refuseWhatIsUsed } from "./postgres/leftover";
import { exclusive } from "./postgres/queue";
import { type PostgresConfig, serverOf } from "./postgres/server";

export interface PostgresDatabaseInputs {
  name: string;
  owner: string;
  /** As PostgreSQL writes it: `UTF8`. */
  encoding: string;
  /** Of collation and character classes alike, `en_US.utf8`; `read` may answer `C / en_US.utf8`. */
  locale: string;
  /** Sessions at a time; -1: no limit, 0: nobody but the admin. */
  connectionLimit: number;
  /** Always true: a database that takes no connections cannot be looked after. `read` may answer false. */
  allowConnections: boolean;
  /** Those that must be there, sorted, in schema public. Others are left alone: columns may be of their types. */
  extensions: string[];
  /**
   * Declared empty, always: `read` puts here what ALTER DATABASE .. SET has made, `statement_timeout=1ms`. Whoever owns a database
   * may; a session of the program's own does not follow it. The value of an application's own setting (`app.key=...`) may be a
   * secret and is left out.
   */
  settings: string[];
}

const name = (what: string) =>
  z
    .string(`must be ${what}`)
    .regex(PLAIN_NAME, `must be ${what}: lower-case letters, digits, _; at most 63 characters`);

const fields: Record<string, Field> = {
  name: {
    schema: name("the database's name").refine(
      (text) => !/^(postgres|template[01])$/.test(text),
      "is a database of PostgreSQL itself; take another name",
    ),
  },
  owner: { schema: name("the role that owns it") },
  encoding: {
    schema: z.string().regex(/^[A-Z0-9_]+$/, "must be an encoding as PostgreSQL writes it, such as UTF8"),
    fallback: "UTF8",
  },
  locale: {
    schema: z.string("must be a locale").regex(/^[\w.@-]+$/, "must be a locale such as en_US.utf8"),
  },
  connectionLimit: {
    schema: z.int("must be a whole number").min(-1, "must be -1 (no limit), 0 (nobody) or more"),
    fallback: -1,
  },
  allowConnections: { schema: z.literal(true, "must stay true"), fallback: true },
  extensions: {
    schema: z
      .array(
        z.string().regex(/^[a-z][a-z0-9_-]*$/, "must be an extension's name"),
        "must be a list of extensions",
      )
      .transform((names) => [...new Set(names)].sort()),
    fallback: [],
  },
  settings: {
    schema: z
      .array(z.string())
      .max(0, "must stay empty: settings belong to login slots (PostgresLogin) or to the server"),
    fallback: [],
  },
};

/**
 * `estate:postgres:Database`: a database of template0, its owner, limit and extensions. Id and import id: its name. Deleting
 * drops it if it holds nothing; with data in it that is an error.
 *
 * The admin should be a superuser. One that is not needs CREATEDB and membership (SET) in the owner.
 */
export const postgresDatabase: Kind<PostgresConfig, PostgresDatabaseInputs> = {
  token: "estate:postgres:Database",
  replaceOn: ["name", "encoding", "locale"],

  check: (news: Properties) => checkFields(news, fields),

  async create({ config, signal, urn }, inputs) {
    const server = serverOf(config);
    await exclusive(server, signal, async (maintenance) => {
      const found = await findDatabase(server, maintenance, inputs.name);
      if (found) {
        refuseWhatIsUsed(found, urn);
        // Its encoding and locale stay as they were made: an empty one is made anew. Our own session in it ends.
        await maintenance.query(`DROP DATABASE ${quoteIdentifier(inputs.name)} WITH (FORCE)`);
      }
      await converge(server, maintenance, inputs);
    });
    return { id: inputs.name, state: { ...inputs } };
  },

  async read({ config }, id, old) {
    const server = serverOf(config);
    const found = await server.withConnection(MAINTENANCE_DATABASE, (connection) => find(connection, id));
    if (!found) return undefined;
    const declared = old?.inputs.extensions;
    // Closed to connections, it shows as that; its extensions cannot be seen then.
    const there = found.allowConnections ? await server.withConnection(id, extensionsOf) : (declared ?? []);
    const inputs = { ...found, extensions: there.filter((one) => declared?.includes(one) ?? true) };
    return { id, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    const server = serverOf(config);
    await exclusive(server, signal, (maintenance) => converge(server, maintenance, news));
    return { ...news };
  },

  async delete({ config, signal }, id) {
    const server = serverOf(config);
    await exclusive(server, signal, async (maintenance) => {
      let found = await findDatabase(server, maintenance, id);
      // A session that was closed a moment ago may still be listed.
      for (let wait = 0; found && found.sessions > 0 && wait < 20; wait++) {
        await sleep(100, undefined, { signal });
        found = await findDatabase(server, maintenance, id);
      }
      if (!found) return;
      if (found.objects > 0 || found.sessions > 0) {
        throw new Error(
          `database ${id} holds data or has sessions and is not dropped by this program: dump it, drop it by hand, and ` +
            "run again",
        );
      }
      await maintenance.query(`DROP DATABASE ${quoteIdentifier(id)} WITH (FORCE)`);
    });
  },
};

/** From nothing, or from whatever of it is there. */
async function converge(
  server: PostgresServer,
  maintenance: PostgresConnection,
  inputs: PostgresDatabaseInputs,
): Promise<void> {
  const database = quoteIdentifier(inputs.name);
  const { owner, encoding, locale, connectionLimit } = inputs;
  const found = await find(maintenance, inputs.name);
  if (!found) {
    await maintenance.query(
      `CREATE DATABASE ${database} OWNER ${quoteIdentifier(owner)} TEMPLATE template0 ENCODING ${quoteString(encoding)} ` +
        `LC_COLLATE ${quoteString(locale)} LC_CTYPE ${quoteString(locale)} CONNECTION LIMIT ${connectionLimit}`,
    );
  } else {
    if (!found.allowConnections) await maintenance.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
    if (found.owner !== owner)
      await maintenance.query(`ALTER DATABASE ${database} OWNER TO ${quoteIdentifier(owner)}`);
    if (found.connectionLimit !== connectionLimit)
      await maintenance.query(`ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit}`);
    if (found.settings.length > 0) await maintenance.query(`ALTER DATABASE ${database} RESET ALL`);
  }
  if (inputs.extensions.length > 0) {
    await server.withConnection(inputs.name, (connection) => createExtensions(connection, inputs.extensions));
  }
}

async function createExtensions(connection: PostgresConnection, wanted: readonly string[]): Promise<void> {
  const there = await extensionsOf(connection);
  const missing = wanted.filter((one) => !there.includes(one));
  if (missing.length === 0) return;
  await connection.transaction(async () => {
    // The schema of those that do not bring one of their own; nothing in it is called by us.
    await connection.query("SET LOCAL search_path = public");
    for (const extension of missing)
      await connection.query(`CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extension)}`);
    await connection.query(CLOSE_EXTENSIONS);
  });
}

/** What extensions let PUBLIC read: pg_stat_statements shows a member of the service what others' statements held. */
const CLOSE_EXTENSIONS = `
DO $$
DECLARE relation regclass;
BEGIN
  FOR relation IN
    SELECT DISTINCT c.oid::regclass
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE a.grantee = 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);
  END LOOP;
END $$`;

async function find(
  maintenance: PostgresConnection,
  database: string,
): Promise<Omit<PostgresDatabaseInputs, "extensions"> | undefined> {
  const [row] = await maintenance.query<Omit<PostgresDatabaseInputs, "extensions"> & Record<string, unknown>>(
    `SELECT datname::text AS name, pg_get_userbyid(datdba)::text AS owner, pg_encoding_to_char(encoding)::text AS encoding,
            CASE WHEN datcollate = datctype THEN datcollate ELSE datcollate || ' / ' || datctype END AS locale,
            datconnlimit AS "connectionLimit", datallowconn AS "allowConnections",
            ARRAY(SELECT CASE WHEN split_part(c, '=', 1) ~ '[.]' THEN split_part(c, '=', 1) || '=...' ELSE c END
                    FROM pg_catalog.pg_db_role_setting s, unnest(setconfig) c
                   WHERE s.setdatabase = d.oid AND setrole = 0 ORDER BY 1) AS settings
       FROM pg_catalog.pg_database d WHERE datname = $1`,
    [database],
  );
  return row;
}

async function extensionsOf(connection: PostgresConnection): Promise<string[]> {
  const rows = await connection.query<{ name: string }>(
    "SELECT extname::text AS name FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' ORDER BY 1",
  );
  return rows.map((row) => row.name);
}
