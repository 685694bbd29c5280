import { z } from "zod";
import type { PostgresConnection } from "../../connect/postgres";
import { MAINTENANCE_DATABASE } from "../../connect/postgres-server";
import { loginSlots } from "../../estate/naming";
import { PLAIN_NAME } from "../../text/postgres";
import { scramVerifier, verifies } from "../../text/scram";
import type { Call, Kind, Properties } from "../wire/kind";
import { checkFields, type Field } from "./postgres/check-fields";
import { dropRole } from "./postgres/drop-role";
import {
  type LoginInputs,
  type LoginState,
  NOT_OURS,
  type RoleOnServer,
  type Slot,
  storedValue,
  UNREADABLE,
} from "./postgres/login";
import { loginStatements } from "./postgres/login-plan";
import { probeLogin } from "./postgres/probe";
import { exclusive } from "./postgres/queue";
import { readRole, readWorkRole } from "./postgres/read-role";
import { type PostgresConfig, serverOf } from "./postgres/server";
import { type FoundSlot, planSlots, slotDrift, verifierOf } from "./postgres/slots";

const worksAs = z
  .string("must be a role's name, such as svc_idp")
  .regex(PLAIN_NAME, "must be a role's name such as svc_idp: lower-case letters, digits, _; at most 61")
  .max(61, "is too long: its slots have two characters more, and PostgreSQL takes 63")
  .refine(
    (name) => !/^pg_|^(public|none)$/.test(name),
    "is a name PostgreSQL keeps for itself; take another",
  );

const fields: Record<string, Field> = {
  worksAs: { schema: worksAs },
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
  formerPassword: {
    schema: z.enum(["keep", "refuse"], 'must be "keep", or "refuse" after a leak'),
    fallback: "refuse",
  },
  probe: {
    schema: z.string("must be a database's name").regex(PLAIN_NAME, "must be a database's name").nullable(),
    fallback: null,
  },
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
  clientCertificates: {
    schema: z
      .record(z.string(), z.string("must be a PEM text").regex(/^-----BEGIN /, "must be PEM texts by slot"))
      .nullable(),
    fallback: null,
  },
  // Not asked for is null: a state from before there were certificates differs in nothing.
  requireClientCertificate: {
    schema: z
      .boolean("must be true or false")
      .nullable()
      .transform((required) => required || null),
    fallback: null,
  },
  /** Filled in by check, never declared otherwise: read answers what somebody changed by hand. */
  slots: {
    schema: z.record(z.string(), z.unknown()).refine((slots) => Object.keys(slots).length === 0, {
      message: "must stay empty: both slots are as declared",
    }),
    fallback: {},
  },
};

function settingFault(name: string): string | undefined {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name))
    return "is no setting's name; write it in lower case";
  if (name === "role" || name === "session_authorization") return "follows from worksAs; leave it out";
  return undefined;
}

/**
 * `estate:postgres:Login`: how a service logs in. Two slots, `svc_x_a` and `svc_x_b`, both of which work as `svc_x` and own
 * nothing; the password is at one of them (output `role`), and the other is closed. A password that is replaced keeps its
 * slot, and its successor goes to the other: with `formerPassword: "keep"` both log in until estate:rotation:Retirement
 * closes the old one, and no session ends; with `refuse` it is closed at once and its sessions end. The new one is tried,
 * see probe.ts. The server gets a SCRAM verifier, never the password. Id and import id: the name of the role `svc_x`.
 *
 * The admin should be a superuser. One that is not needs CREATEROLE and, for each worksAs role, ADMIN on it; it cannot
 * read verifiers, so a password changed by hand goes unseen, and it cannot take SUPERUSER away from a slot.
 */
export const postgresLogin: Kind<PostgresConfig, LoginInputs, LoginState> = {
  token: "estate:postgres:Login",
  secretInputs: ["password", "clientCertificates"],
  secretOutputs: ["password", "former", "clientCertificates"],
  computedOutputs: ["role", "former"],
  replaceOn: ["worksAs"],

  check(news: Properties) {
    return checkFields(news, fields);
  },

  foresee(old, news): Properties {
    const stays = old !== undefined && [news.password, NOT_OURS].includes(old.state.password);
    return stays ? { role: old.state.role } : {};
  },

  async create(call, inputs) {
    return { id: inputs.worksAs, state: await converge(call, inputs, undefined) };
  },

  async read({ config }, id, old) {
    const slots = await serverOf(config).withConnection(MAINTENANCE_DATABASE, (connection) =>
      findSlots(connection, id),
    );
    if (slots.every(({ found }) => found === undefined)) return undefined;
    const state = await stateOf(id, slots, old && { ...old.state, ...old.inputs });
    const { role: _role, former: _former, ...inputs } = state;
    return { id, inputs, state };
  },

  update(call, _id, old, news) {
    return converge(call, news, old.state);
  },

  async delete({ config, signal }, id) {
    const server = serverOf(config);
    await exclusive(server, signal, async (connection) => {
      for (const role of loginSlots(id)) await dropRole(server, connection, role);
    });
  },
};

/** Whatever is there, afterwards it is what is declared. */
async function converge(
  { config, signal }: Call<PostgresConfig>,
  inputs: LoginInputs,
  before: LoginState | undefined,
): Promise<LoginState> {
  const server = serverOf(config);
  const state = await exclusive(server, signal, async (connection) => {
    const { role, other, endSessionsOf } = await connection.transaction(() =>
      settle(connection, inputs, before),
    );
    for (const ended of endSessionsOf) await endSessions(connection, ended);
    const closed = await readRole(connection, other);
    return { ...inputs, role, former: closed?.login ? verifierOf(closed) : "" };
  });
  // Always tried again where the last run did not get as far as to record it.
  const shown = inputs.clientCertificates?.[state.role];
  const asBefore =
    before?.password === inputs.password &&
    (before.clientCertificates ?? null)?.[state.role] === shown &&
    (before.requireClientCertificate ?? null) === inputs.requireClientCertificate;
  if (inputs.probe !== null && !asBefore) {
    const { role, worksAs, requireClientCertificate } = state;
    const required = requireClientCertificate === true;
    const probed = { role, worksAs, shown, required, former: inputs.formerPassword };
    await probeLogin(server, probed, inputs.password, inputs.probe);
  }
  return state;
}

async function settle(connection: PostgresConnection, inputs: LoginInputs, before: LoginState | undefined) {
  await requireWorkRole(connection, inputs.worksAs);
  const slots = await Promise.all(
    (await findSlots(connection, inputs.worksAs)).map(
      async (slot): Promise<FoundSlot> => ({
        ...slot,
        isNewest: await isVerifierOf(slot.found, inputs.password),
        sessions: await countSessions(connection, slot.role),
      }),
    ),
  );
  const plan = planSlots(inputs, slots as [FoundSlot, FoundSlot], before);
  for (const { role, found, isNewest } of slots) {
    const newest = role === plan.role;
    const slot: Slot = { ...inputs, role, login: newest || plan.keepsFormer };
    const verifier = newest
      ? isNewest
        ? undefined
        : await scramVerifier(inputs.password)
      : await otherVerifier(found, plan.keepsFormer, role, before);
    for (const statement of loginStatements(slot, found, verifier)) await connection.query(statement);
  }
  return plan;
}

/** For the slot that is not in use: null: no password; undefined: the one that it has. */
async function otherVerifier(
  found: RoleOnServer | undefined,
  keepsFormer: boolean,
  role: string,
  before: LoginState | undefined,
): Promise<string | null | undefined> {
  if (!keepsFormer || !found || !before) return found?.verifier === null || !found ? undefined : null;
  if (found.verifier === undefined) return undefined;
  if (role === before.role) {
    const replaced = await verifies(found.verifier, before.password);
    return replaced ? undefined : scramVerifier(before.password);
  }
  return verifierOf(found) === before.former || before.former === UNREADABLE ? undefined : before.former;
}

async function requireWorkRole(connection: PostgresConnection, worksAs: string): Promise<void> {
  const work = await readWorkRole(connection, worksAs);
  if (!work) {
    throw new Error(
      `worksAs: role "${worksAs}" does not exist on this server. Create it (PostgresRole) and let the login depend on it`,
    );
  }
  if (work.powers.length > 0) {
    throw new Error(
      `worksAs: role "${worksAs}" has ${work.powers.join(", ")}; a service never works with that. ` +
        "Take it away or name another role",
    );
  }
}

async function findSlots(connection: PostgresConnection, worksAs: string) {
  const [a, b] = loginSlots(worksAs);
  return [
    { role: a, found: await readRole(connection, a) },
    { role: b, found: await readRole(connection, b) },
  ];
}

/** Where the verifier cannot be read, it is written again: nothing else would make a new password arrive. */
async function isVerifierOf(found: RoleOnServer | undefined, password: string): Promise<boolean> {
  return found?.login === true && found.verifier !== undefined && (await verifies(found.verifier, password));
}

async function countSessions(connection: PostgresConnection, role: string): Promise<number> {
  const [row] = await connection.query<{ sessions: number }>(
    "SELECT count(*)::int AS sessions FROM pg_catalog.pg_stat_activity WHERE usename = $1",
    [role],
  );
  return row?.sessions ?? 0;
}

async function endSessions(connection: PostgresConnection, role: string): Promise<void> {
  await connection.query(
    "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1",
    [role],
  );
}

/** What would have to be declared to have exactly what is there. */
async function stateOf(
  worksAs: string,
  slots: { role: string; found: RoleOnServer | undefined }[],
  old: LoginState | undefined,
): Promise<LoginState> {
  const open = slots.find(({ found }) => found?.login) ?? slots.find(({ found }) => found);
  const known: LoginState = old ?? {
    worksAs,
    password: NOT_OURS,
    formerPassword: "refuse",
    probe: null,
    clientCertificates: null,
    requireClientCertificate: null,
    connectionLimit: open?.found?.connectionLimit ?? -1,
    settings: settingsOf(open?.found),
    slots: {},
    role: open?.role ?? loginSlots(worksAs)[0],
    former: "",
  };
  const drift = slots.flatMap(({ role, found }) => {
    const differs = slotDrift({ role, found }, known);
    return differs ? [[role, differs] as const] : [];
  });
  const inUse = slots.find(({ role }) => role === known.role)?.found;
  const other = slots.find(({ role }) => role !== known.role)?.found;
  const stillFormer = other?.login && verifierOf(other) === known.former;
  return {
    ...known,
    password: await passwordOf(inUse, known.password),
    slots: Object.fromEntries(drift),
    former: stillFormer ? known.former : "",
  };
}

async function passwordOf(found: RoleOnServer | undefined, declared: string): Promise<string> {
  // Closed or gone, it shows as that.
  if (!found?.login || found.verifier === undefined) return declared;
  return (await verifies(found.verifier, declared)) ? declared : NOT_OURS;
}

/** For an import: the settings of the slot itself, without the role it becomes. */
function settingsOf(found: RoleOnServer | undefined): Record<string, string> {
  const own = (found?.settings ?? []).filter(({ name, database }) => database === null && name !== "role");
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}
