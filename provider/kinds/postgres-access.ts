import { z } from "zod";
import type { PostgresConnection } from "../../connect/postgres";
import type { PostgresServer } from "../../connect/postgres-server";
import { type CheckFailure, type Kind, type Properties, UNKNOWN, type Value } from "../wire/kind";
import type { AccessInputs } from "./postgres/access";
import { defaultGrantsAsDeclared, grantsAsDeclared } from "./postgres/access-inputs";
import { planAccess } from "./postgres/access-plan";
import { checkFields, type Field } from "./postgres/check-fields";
import { checkGrants, type GrantLimits } from "./postgres/check-grants";
import { parseDefaultGrantKey, parseGrantKey } from "./postgres/grant-key";
import { ifThere } from "./postgres/if-there";
import { exclusive } from "./postgres/queue";
import { readAccess } from "./postgres/read-access";
import { disownHere } from "./postgres/retire-access";
import { type PostgresConfig, serverOf } from "./postgres/server";

const name = (what: string) =>
  z.string(`${what} is a string`).min(1, `${what} is empty`).max(63, `${what} is longer than 63 characters`);

const SYSTEM_SCHEMA = /^pg_|^information_schema$/;

const fields: Record<string, Field> = {
  database: {
    schema: name("the database's name").refine(
      (text) => text !== "template0",
      "is closed to everybody already",
    ),
  },
  schemas: {
    schema: z
      .array(
        name("a schema's name").refine(
          (text) => !SYSTEM_SCHEMA.test(text),
          "names a schema of PostgreSQL itself; leave it out",
        ),
        "must be a list of schemas",
      )
      .transform(sortedOnce),
    fallback: ["public"],
  },
  grants: { schema: z.unknown() },
  defaultGrants: { schema: z.unknown(), fallback: {} },
  owners: {
    schema: z.array(name("an owner's name"), "must be a list of roles").transform(sortedOnce),
    fallback: [],
  },
};

function sortedOnce(names: string[]): string[] {
  return [...new Set(names)].sort();
}

/**
 * `estate:postgres:Access`: every ACL of one database: its own, those of the declared schemas and of all tables, columns,
 * sequences, functions and types in them, and the default privileges of the declared owners. What is granted beyond what
 * is declared is revoked, from PUBLIC too. Id and import id: the database's name.
 *
 * "svc_x on tables in public" means each table there is; it is no promise for tables to come: those are defaultGrants.
 * Functions of extensions stay PUBLIC's to execute, and their views as the extension made them.
 *
 * Deleting it closes the database to all but its owner and leaves no trace of the declared owners and grantees in it; what
 * they own goes to the admin. The same roles keep what they have in other databases.
 *
 * The admin should be a superuser. One that is not must own the database and be a member (INHERIT and SET) of every owner
 * of an object in it; a change that had no effect is an error that names what is left.
 */
export const postgresAccess: Kind<PostgresConfig, AccessInputs> = {
  token: "estate:postgres:Access",
  replaceOn: ["database"],

  check(news: Properties) {
    const { inputs, failures } = checkFields(news, fields);
    const limits: GrantLimits = { schemas: listOf(inputs.schemas), owners: listOf(inputs.owners) };
    const faults: CheckFailure[] = [...failures];
    for (const property of ["grants", "defaultGrants"] as const) {
      if (inputs[property] === undefined) continue;
      const checked = checkGrants(property, inputs[property], limits);
      inputs[property] = checked.value;
      faults.push(...checked.failures);
    }
    return { inputs, failures: faults };
  },

  async create({ config, signal }, inputs) {
    await apply(serverOf(config), signal, inputs);
    return { id: inputs.database, state: { ...inputs } };
  },

  async read({ config }, id, old) {
    const server = serverOf(config);
    const inputs = await ifThere(id, () =>
      server.withConnection(id, async (connection) =>
        asDeclared(connection, old?.inputs ?? (await everything(connection, id))),
      ),
    );
    return inputs && { id, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    await apply(serverOf(config), signal, news);
    return { ...news };
  },

  async delete({ config, signal }, _id, { inputs }) {
    const roles = [...inputs.owners, ...grantees(inputs)];
    await ifThere(inputs.database, () =>
      apply(serverOf(config), signal, { ...inputs, grants: {}, defaultGrants: {} }, roles),
    );
  },
};

function listOf(value: Value | undefined): readonly Value[] | typeof UNKNOWN {
  return Array.isArray(value) ? value : UNKNOWN;
}

function grantees({ grants, defaultGrants }: AccessInputs): string[] {
  const keys = [
    ...Object.keys(grants).map(parseGrantKey),
    ...Object.keys(defaultGrants).map(parseDefaultGrantKey),
  ];
  return keys.flatMap((key) => (key && key.grantee !== "public" ? [key.grantee] : []));
}

/** A second look may find what a first REVOKE took along; a third has nothing to find. */
const MOST_PASSES = 3;

/**
 * Makes the database what is declared, in one transaction.
 * @param retired roles that leave this database: what is missing of schemas and owners is then no fault
 */
async function apply(
  server: PostgresServer,
  signal: AbortSignal,
  inputs: AccessInputs,
  retired?: string[],
): Promise<void> {
  await exclusive(server, signal, () =>
    server.withConnection(inputs.database, (connection) =>
      connection.transaction(async () => {
        for (let pass = 1; ; pass++) {
          const plan = planAccess(inputs, inputs.database, await readAccess(connection, inputs));
          if (plan.faults.length > 0 && !retired)
            throw new Error(`database ${inputs.database}: ${plan.faults.join("; ")}`);
          if (plan.differences.length === 0) break;
          if (pass > MOST_PASSES) throw new Error(withoutEffect(inputs.database, plan.differences));
          for (const statement of plan.statements) await connection.query(statement);
        }
        if (retired) await disownHere(connection, retired);
      }),
    ),
  );
}

function withoutEffect(database: string, differences: readonly string[]): string {
  const shown = differences.slice(0, 10).join("; ");
  const more = differences.length > 10 ? `; and ${differences.length - 10} more` : "";
  return (
    `database ${database}: the server took the changes and they had no effect: ${shown}${more}. The admin must be a ` +
    "superuser, or own the database and be a member of every owner of an object in it"
  );
}

async function asDeclared(connection: PostgresConnection, declared: AccessInputs): Promise<AccessInputs> {
  const server = await readAccess(connection, declared);
  return {
    database: declared.database,
    schemas: server.schemas,
    grants: grantsAsDeclared(declared.grants, server),
    defaultGrants: defaultGrantsAsDeclared(declared.defaultGrants, server),
    owners: server.owners,
  };
}

/** What an import covers: every schema that is not an extension's, the owner of the database and all with default privileges. */
async function everything(connection: PostgresConnection, database: string): Promise<AccessInputs> {
  const [row] = await connection.query<{ schemas: string[] | null; owners: string[] | null }>(`
    SELECT (SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_catalog.pg_namespace n
            WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::regclass
                              AND d.objid = n.oid AND d.deptype = 'e')) AS schemas,
           (SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_catalog.pg_roles r
            WHERE NOT rolsuper AND oid >= 16384
              AND (oid = (SELECT datdba FROM pg_catalog.pg_database WHERE datname = current_database())
                   OR oid IN (SELECT defaclrole FROM pg_catalog.pg_default_acl))) AS owners`);
  return { database, schemas: row?.schemas ?? [], grants: {}, defaultGrants: {}, owners: row?.owners ?? [] };
}
