import { z } from "zod";
import type { PostgresConnection } from "../../connect/postgres";
import { MAINTENANCE_DATABASE } from "../../connect/postgres-server";
import type { Kind, Properties } from "../wire/kind";
import { checkFields, type Field } from "./postgres/check-fields";
import { dropRole } from "./postgres/drop-role";
import {
  extraMemberships,
  FOREVER,
  isWorkMembership,
  type LoginInputs,
  membershipText,
  NOT_OURS,
  type RoleOnServer,
  storedValue,
} from "./postgres/login";
import { loginStatements } from "./postgres/login-plan";
import { exclusive } from "./postgres/queue";
import { PLAIN_NAME } from "./postgres/quoting";
import { readRole, readWorkRole } from "./postgres/read-role";
import { scramVerifier, verifies } from "./postgres/scram";
import { type PostgresConfig, serverOf } from "./postgres/server";

const roleName = (example: string) =>
  z
    .string(`must be a role's name, such as ${example}`)
    .regex(PLAIN_NAME, `must be a role's name such as ${example}: lower-case letters, digits, _; at most 63`)
    .refine(
      (name) => !/^pg_|^(public|none)$/.test(name),
      "is a name PostgreSQL keeps for itself; take another",
    );

/** Filled in by check, never declared otherwise: read answers more where somebody changed the role by hand. */
const empty = (what: string): Field => ({
  schema: z.array(z.string()).max(0, `must stay empty: a login slot has no ${what}`),
  fallback: [],
});

const fields: Record<string, Field> = {
  role: { schema: roleName("svc_idp_a") },
  worksAs: { schema: roleName("svc_idp") },
  password: {
    schema: z
      .string("must be a string")
      .min(16, "is too short: 16 characters at least, 32 are better")
      .max(512, "is too long: 512 characters at most")
      // Others pass through SASLprep, which clients implement differently.
      .regex(
        /^[\x20-\x7e]*$/,
        "may hold printable ASCII only: not every client treats other characters alike",
      )
      .refine(
        (value) => value !== NOT_OURS,
        "is the text that stands for a password unknown to us; give a password",
      ),
  },
  login: { schema: z.boolean("must be true or false"), fallback: true },
  connectionLimit: {
    schema: z.int("must be a whole number, 1 to 20").min(1, "must be 1 to 20").max(20, "must be 1 to 20"),
  },
  settings: {
    schema: z
      .record(z.string(), z.string('each setting is a string, such as "60s"'))
      .transform((settings, context) => {
        for (const name of Object.keys(settings)) {
          const reason = settingFault(name);
          if (reason)
            context.issues.push({ code: "custom", message: `"${name}" ${reason}`, input: settings });
        }
        return Object.fromEntries(
          Object.entries(settings)
            .sort(([one], [other]) => (one < other ? -1 : 1))
            .map(([name, value]) => [name, storedValue(name, value)]),
        );
      }),
    fallback: {},
  },
  attributes: empty("attributes beyond LOGIN"),
  memberships: empty("membership beyond worksAs"),
  members: empty("members"),
  validUntil: {
    schema: z.literal(FOREVER, `must stay "${FOREVER}": a slot is retired with login: false`),
    fallback: FOREVER,
  },
};

function settingFault(name: string): string | undefined {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name))
    return "is no setting's name; write it in lower case";
  if (name === "role" || name === "session_authorization") return "follows from worksAs; leave it out";
  return undefined;
}

/**
 * `estate:postgres:Login`: one login slot. Id and import id: the role's name. The server gets a SCRAM verifier, never
 * the password. A changed password or `login: false` ends no session: rotation relies on that; deletion ends them.
 *
 * The admin should be a superuser. One that is not needs CREATEROLE and, for each worksAs role, ADMIN on it; it cannot
 * read verifiers, so a password changed by hand goes unseen, and it cannot take SUPERUSER away from a slot.
 */
export const postgresLogin: Kind<PostgresConfig, LoginInputs> = {
  token: "estate:postgres:Login",
  secretInputs: ["password"],
  secretOutputs: ["password"],
  replaceOn: ["role"],

  check(news: Properties) {
    const { inputs, failures } = checkFields(news, fields);
    if (typeof inputs.role === "string" && inputs.role === inputs.worksAs) {
      const reason = "is the slot itself; a slot works as a NOLOGIN role, such as svc_idp for svc_idp_a";
      failures.push({ property: "worksAs", reason });
    }
    return { inputs, failures };
  },

  async create({ config, signal }, inputs) {
    await exclusive(serverOf(config), signal, (connection) => converge(connection, inputs));
    return { id: inputs.role, state: { ...inputs } };
  },

  async read({ config }, id, old) {
    const found = await serverOf(config).withConnection(MAINTENANCE_DATABASE, (connection) =>
      readRole(connection, id),
    );
    if (!found) return undefined;
    const inputs = await inputsOf(id, found, old?.inputs);
    return { id, inputs, state: { ...inputs } };
  },

  async update({ config, signal }, _id, _old, news) {
    await exclusive(serverOf(config), signal, (connection) => converge(connection, news));
    return { ...news };
  },

  async delete({ config, signal }, id) {
    const server = serverOf(config);
    await exclusive(server, signal, (connection) => dropRole(server, connection, id));
  },
};

/** Whatever is there, afterwards it is what is declared. */
function converge(connection: PostgresConnection, inputs: LoginInputs): Promise<void> {
  return connection.transaction(async () => {
    const work = await readWorkRole(connection, inputs.worksAs);
    if (!work) {
      throw new Error(
        `worksAs: role "${inputs.worksAs}" does not exist on this server. Create it (postgresql.Role, login: false) ` +
          `and let the login ${inputs.role} depend on it`,
      );
    }
    if (work.powers.length > 0) {
      throw new Error(
        `worksAs: role "${inputs.worksAs}" has ${work.powers.join(", ")}; a service never works with that. ` +
          "Take it away or name another role",
      );
    }
    const found = await readRole(connection, inputs.role);
    const verifier = (await passwordIsRight(found, inputs.password))
      ? undefined
      : await scramVerifier(inputs.password);
    for (const statement of loginStatements(inputs, found, verifier)) await connection.query(statement);
  });
}

/** Where the verifier cannot be read, it is written again: nothing else would make a new password arrive. */
async function passwordIsRight(found: RoleOnServer | undefined, password: string): Promise<boolean> {
  return found?.verifier !== undefined && (await verifies(found.verifier, password));
}

/** What would have to be declared to have exactly what is there. */
async function inputsOf(
  role: string,
  found: RoleOnServer,
  old: LoginInputs | undefined,
): Promise<LoginInputs> {
  const atLogin = found.settings.find(({ name, database }) => name === "role" && database === null)?.value;
  // An earlier refresh may have found no membership and left the name empty.
  const expected = old?.worksAs || atLogin || found.memberships[0]?.role || "";
  const works = found.memberships.some((membership) => isWorkMembership(membership, expected));
  return {
    role,
    worksAs: works ? expected : "",
    password: await passwordOf(found, old?.password),
    login: found.login,
    connectionLimit: found.connectionLimit,
    settings: settingsOf(found, expected),
    attributes: found.attributes,
    memberships: extraMemberships(found, expected).map(membershipText).sort(),
    members: found.members.map(membershipText).sort(),
    validUntil: found.validUntil,
  };
}

async function passwordOf(found: RoleOnServer, declared: string | undefined): Promise<string> {
  if (declared === undefined) return NOT_OURS;
  if (found.verifier === undefined) return declared;
  return (await verifies(found.verifier, declared)) ? declared : NOT_OURS;
}

/** Without `role`, which follows from worksAs, as long as it does. */
function settingsOf(found: RoleOnServer, worksAs: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const { name, value, database } of found.settings) {
    if (name === "role" && database === null && value === worksAs) continue;
    settings[database === null ? name : `${name} in ${database}`] = value;
  }
  const hasRole = found.settings.some(({ name, database }) => name === "role" && database === null);
  return hasRole ? settings : { ...settings, role: "not set" };
}
