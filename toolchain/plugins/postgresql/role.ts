import { type Client, escapeIdentifier as ident, escapeLiteral as literal } from "pg";
import type { Kind, Properties } from "../../../provider/wire/kind";
import { changedFields, checkFields, type Fields, inputsFrom } from "../fields";
import { asMemberOf, type Server } from "./server";

export interface RoleInputs {
  name: string;
  login: boolean;
  superuser: boolean;
  createDatabase: boolean;
  createRole: boolean;
  inherit: boolean;
  replication: boolean;
  bypassRowLevelSecurity: boolean;
  connectionLimit: number;
  /** When the password ends; nothing here sets one. */
  validUntil: string;
  /** Roles that this one is a member of. */
  roles?: string[];
  searchPaths?: string[];
  /** Milliseconds. */
  statementTimeout?: number;
  /** Milliseconds. */
  idleInTransactionSessionTimeout?: number;
  assumeRole?: string;
  skipDropRole: boolean;
  skipReassignOwned: boolean;
}

/** Each property of a role that is a keyword of CREATE ROLE, which NO in front of it switches off. */
const ATTRIBUTES = {
  login: "LOGIN",
  superuser: "SUPERUSER",
  createDatabase: "CREATEDB",
  createRole: "CREATEROLE",
  inherit: "INHERIT",
  replication: "REPLICATION",
  bypassRowLevelSecurity: "BYPASSRLS",
} as const;

const off = { type: "boolean", default: false } as const;
const atLeast = (least: number) => (value: unknown) =>
  (value as number) < least ? `must be ${least} or more` : undefined;

const FIELDS: Fields = {
  name: { type: "string", required: true },
  login: off,
  superuser: off,
  createDatabase: off,
  createRole: off,
  inherit: { type: "boolean", default: true },
  replication: off,
  bypassRowLevelSecurity: off,
  connectionLimit: { type: "number", default: -1, fault: atLeast(-1) },
  validUntil: { type: "string", default: "infinity" },
  roles: { type: "strings" },
  searchPaths: {
    type: "strings",
    fault: (value) =>
      (value as string[]).some((path) => String(path).includes(", ")) ? 'must not contain ", "' : undefined,
  },
  statementTimeout: { type: "number", fault: atLeast(0) },
  idleInTransactionSessionTimeout: { type: "number", fault: atLeast(0) },
  assumeRole: { type: "string" },
  skipDropRole: { ...off, local: true },
  skipReassignOwned: { ...off, local: true },
};

/**
 * `postgresql:index/role:Role`, without a password: the real plugin would send it in clear text, which this project
 * never does. Creating one that exists is an error (42710). All changes are made in place, memberships that are not
 * declared are revoked. Deleting gives what the role owns in the provider's database to the admin.
 */
export const role: Kind<Server, RoleInputs, RoleInputs> = {
  token: "postgresql:index/role:Role",

  check(news) {
    const { inputs, failures } = checkFields("@pulumi/postgresql", FIELDS, news);
    // A set: its order means nothing.
    const roles = inputs.roles;
    const known = Array.isArray(roles) && roles.every((name) => typeof name === "string");
    return { inputs: known ? { ...inputs, roles: [...new Set(roles)].sort() } : inputs, failures };
  },

  diff: ({ state }, news) => changedFields(FIELDS, state as unknown as Properties, news),

  async create({ config: server }, inputs) {
    return server.adminTransaction(async (client) => {
      await client.query(createStatement(inputs));
      for (const statement of settingStatements({}, inputs)) await client.query(statement);
      return { id: inputs.name, state: (await readState(client, inputs.name, inputs)) ?? inputs };
    });
  },

  async read({ config: server }, id, old) {
    const state = await server.admin((client) => readState(client, old?.state.name ?? id, old?.state));
    if (!state) return undefined;
    const inputs = inputsFrom(FIELDS, state as unknown as Properties, old?.inputs as Properties | undefined);
    return { id: state.name, inputs: inputs as unknown as RoleInputs, state };
  },

  async update({ config: server }, _id, { state }, news) {
    return server.adminTransaction(async (client) => {
      for (const statement of alterStatements(state, news)) await client.query(statement);
      return (await readState(client, news.name, news)) ?? news;
    });
  },

  async delete({ config: server }, _id, { state }) {
    const name = ident(state.name);
    await server.adminTransaction(async (client) => {
      if (!state.skipReassignOwned) {
        await asMemberOf(client, [state.name], async () => {
          await client.query(`REASSIGN OWNED BY ${name} TO current_user`);
          await client.query(`DROP OWNED BY ${name}`);
        });
      }
      if (!state.skipDropRole) await client.query(`DROP ROLE ${name}`);
    });
  },
};

export function createStatement(inputs: RoleInputs): string {
  const options = [
    ...attributes().map((attribute) => option(attribute, inputs)),
    `CONNECTION LIMIT ${inputs.connectionLimit}`,
    `VALID UNTIL ${literal(inputs.validUntil)}`,
  ];
  return `CREATE ROLE ${ident(inputs.name)} WITH ${options.join(" ")}`;
}

/** What turns `state` into `news`, the new name first: the rest goes by it. */
export function alterStatements(state: RoleInputs, news: RoleInputs): string[] {
  const statements: string[] = [];
  if (news.name !== state.name)
    statements.push(`ALTER ROLE ${ident(state.name)} RENAME TO ${ident(news.name)}`);
  const options = attributes()
    .filter((attribute) => news[attribute] !== state[attribute])
    .map((attribute) => option(attribute, news));
  if (news.connectionLimit !== state.connectionLimit)
    options.push(`CONNECTION LIMIT ${news.connectionLimit}`);
  if (news.validUntil !== state.validUntil) options.push(`VALID UNTIL ${literal(news.validUntil)}`);
  if (options.length > 0) statements.push(`ALTER ROLE ${ident(news.name)} WITH ${options.join(" ")}`);
  return [...statements, ...settingStatements(state, news)];
}

/** Memberships and role settings. */
function settingStatements(state: Partial<RoleInputs>, news: RoleInputs): string[] {
  const name = ident(news.name);
  const had = state.roles ?? [];
  const wanted = news.roles ?? [];
  const memberships = [
    ...had.filter((one) => !wanted.includes(one)).map((one) => `REVOKE ${ident(one)} FROM ${name}`),
    ...wanted.filter((one) => !had.includes(one)).map((one) => `GRANT ${ident(one)} TO ${name}`),
  ];
  const before = settings(state);
  const after = settings(news);
  const changed = Object.keys(after).filter((setting) => after[setting] !== before[setting]);
  return [
    ...memberships,
    ...changed.map((setting) =>
      after[setting] === undefined
        ? `ALTER ROLE ${name} RESET ${setting}`
        : `ALTER ROLE ${name} SET ${setting} TO ${after[setting]}`,
    ),
  ];
}

/** Each setting's value as SQL; undefined: not set. */
function settings(role: Partial<RoleInputs>): Record<string, string | undefined> {
  return {
    search_path: role.searchPaths?.length ? role.searchPaths.map(ident).join(", ") : undefined,
    statement_timeout: role.statementTimeout ? String(role.statementTimeout) : undefined,
    idle_in_transaction_session_timeout: role.idleInTransactionSessionTimeout
      ? String(role.idleInTransactionSessionTimeout)
      : undefined,
    role: role.assumeRole ? literal(role.assumeRole) : undefined,
  };
}

function attributes(): (keyof typeof ATTRIBUTES)[] {
  return Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[];
}

function option(attribute: keyof typeof ATTRIBUTES, inputs: RoleInputs): string {
  return inputs[attribute] ? ATTRIBUTES[attribute] : `NO${ATTRIBUTES[attribute]}`;
}

interface Row extends Omit<RoleInputs, "skipDropRole" | "skipReassignOwned"> {
  roles: string[];
  config: string[];
}

async function readState(
  client: Client,
  name: string,
  known: Partial<RoleInputs> | undefined,
): Promise<RoleInputs | undefined> {
  const { rows } = await client.query<Row>(
    `SELECT rolname AS name, rolcanlogin AS login, rolsuper AS superuser, rolcreatedb AS "createDatabase",
            rolcreaterole AS "createRole", rolinherit AS inherit, rolreplication AS replication,
            rolbypassrls AS "bypassRowLevelSecurity", rolconnlimit AS "connectionLimit",
            coalesce(rolvaliduntil::text, 'infinity') AS "validUntil", coalesce(rolconfig, '{}') AS config,
            ARRAY(SELECT DISTINCT pg_get_userbyid(roleid)::text FROM pg_auth_members m WHERE m.member = r.oid ORDER BY 1) AS roles
       FROM pg_roles r WHERE rolname = $1`,
    [name],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { config, ...attributes_ } = row;
  return {
    ...attributes_,
    ...readSettings(config),
    skipDropRole: known?.skipDropRole ?? false,
    skipReassignOwned: known?.skipReassignOwned ?? false,
  };
}

/** `rolconfig`: texts of the form `search_path="$user", public`. */
export function readSettings(config: readonly string[]): Partial<RoleInputs> {
  const found = Object.fromEntries(
    config.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  const milliseconds = (text: string | undefined) => (text === undefined ? undefined : toMilliseconds(text));
  return {
    searchPaths: found.search_path?.split(", ").map((path) => path.replace(/^"(.*)"$/, "$1")),
    statementTimeout: milliseconds(found.statement_timeout),
    idleInTransactionSessionTimeout: milliseconds(found.idle_in_transaction_session_timeout),
    assumeRole: found.role,
  };
}

const UNITS: Record<string, number> = { "": 1, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A value set by hand may have a unit (`60s`). */
function toMilliseconds(text: string): number {
  const [, digits, unit = ""] = /^(\d+)\s*([a-z]*)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (digits === undefined || factor === undefined)
    throw new Error(`the role has a timeout of "${text}", which is no duration`);
  return Number(digits) * factor;
}
