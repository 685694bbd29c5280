import { z } from "zod";
import type { PostgresConnection } from "../../connect/postgres";
import { MAINTENANCE_DATABASE } from "../../connect/postgres-server";
import { quoteIdentifier as id, PLAIN_NAME } from "../../text/postgres";
import type { Kind, Properties } from "../wire/kind";
import { checkFields, type Field } from "./postgres/check-fields";
import { dropRole } from "./postgres/drop-role";
import { findRole, refuseWhatIsUsed } from "./postgres/leftover";
import { isWorkMembership, type Membership, membershipText, type RoleOnServer } from "./postgres/login";
import { exclusive } from "./postgres/queue";
import { readRole } from "./postgres/read-role";
import { type PostgresConfig, serverOf } from "./postgres/server";

export interface RoleInputs {
  name: string;
  /** Declared empty, always: `read` puts here what somebody gave by hand, `LOGIN`, `SUPERUSER`, `NOINHERIT`. */
  attributes: string[];
  /** Likewise: roles it is a member of, and so has the privileges of. */
  memberships: string[];
  /** Roles that it may take for a transaction (INHERIT FALSE). Somebody else grants them: their row security. */
  takes: string[];
}

const empty = (reason: string): Field => ({ schema: z.array(z.string()).max(0, reason), fallback: [] });

const fields: Record<string, Field> = {
  name: {
    schema: z
      .string("must be the role's name")
      .regex(PLAIN_NAME, "must be the role's name: lower-case letters, digits, _; at most 63 characters")
      .refine(
        (name) => !/^pg_|^(public|none|postgres)$/.test(name),
        "is a name PostgreSQL keeps for itself; take another",
      ),
  },
  attributes: empty("must stay empty: it owns or works, and what logs in is a login slot (PostgresLogin)"),
  memberships: empty("must stay empty: it has what is granted to it, and nothing of others"),
  takes: {
    schema: z
      .array(z.string().regex(PLAIN_NAME, "must be the names of roles"))
      .transform((all) => all.sort()),
    fallback: [],
  },
};

/**
 * `estate:postgres:Role`: a NOLOGIN role that owns tables or that login slots work as. Id and import id: its name. What it
 * owns and is granted is not its business; who may become it is that of the login slots. Deleting gives what it owns to
 * the admin. The admin should be a superuser; one that is not needs CREATEROLE.
 */
export const postgresRole: Kind<PostgresConfig, RoleInputs> = {
  token: "estate:postgres:Role",
  replaceOn: ["name"],

  check: (news: Properties) => checkFields(news, fields),

  async create({ config, signal, urn }, inputs) {
    await exclusive(serverOf(config), signal, async (maintenance) => {
      const found = await findRole(maintenance, inputs.name);
      if (found) refuseWhatIsUsed(found, urn);
      await converge(maintenance, inputs);
    });
    return { id: inputs.name, state: { ...inputs } };
  },

  async read({ config }, name, old) {
    const found = await serverOf(config).withConnection(MAINTENANCE_DATABASE, (connection) =>
      readRole(connection, name),
    );
    if (!found) return undefined;
    const takes = old?.inputs.takes ?? [];
    const inputs = {
      name,
      attributes: attributesOf(found),
      memberships: foreign(found, takes).map(membershipText).sort(),
      takes,
    };
    return { id: name, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    await exclusive(serverOf(config), signal, (maintenance) => converge(maintenance, news));
    return { ...news };
  },

  async delete({ config, signal }, name) {
    const server = serverOf(config);
    await exclusive(server, signal, (maintenance) => dropRole(server, maintenance, name));
  },
};

/** From nothing, or from whatever it became. */
function converge(maintenance: PostgresConnection, { name, takes }: RoleInputs): Promise<void> {
  return maintenance.transaction(async () => {
    const found = await readRole(maintenance, name);
    if (!found) {
      await maintenance.query(`CREATE ROLE ${id(name)} WITH NOLOGIN`);
      return;
    }
    const taken = attributesOf(found).map((attribute) =>
      attribute === "NOINHERIT" ? "INHERIT" : `NO${attribute}`,
    );
    if (taken.length > 0) await maintenance.query(`ALTER ROLE ${id(name)} WITH ${taken.join(" ")}`);
    for (const { role, grantor } of foreign(found, takes)) {
      await maintenance.query(`REVOKE ${id(role)} FROM ${id(name)} GRANTED BY ${id(grantor)} CASCADE`);
    }
  });
}

/** Memberships that nobody declared. */
function foreign({ memberships }: RoleOnServer, takes: readonly string[]): Membership[] {
  return memberships.filter((membership) => !takes.some((role) => isWorkMembership(membership, role)));
}

function attributesOf({ login, attributes }: RoleOnServer): string[] {
  return [...attributes, ...(login ? ["LOGIN"] : [])].sort();
}
