import { type MariadbConnection, MariadbError } from "../../connect/mariadb";
import type { MariadbServer } from "../../connect/mariadb-server";
import { mariadbWords } from "../../connect/mariadb-words";
import { type AccountName, quoteAccount } from "../../text/mariadb";
import type { Call, Kind } from "../wire/kind";
import type { AccountInputs, AccountOnServer, AccountState } from "./mariadb/account";
import { checkAccount } from "./mariadb/check";
import { accountAsDeclared } from "./mariadb/drift";
import {
  createStatement,
  endSessionsStatement,
  formerHashes,
  planAccount,
  replaceStatement,
} from "./mariadb/plan";
import { PRIVILEGE_SINCE } from "./mariadb/privileges";
import { probeAccount } from "./mariadb/probe";
import { readAccount } from "./mariadb/read";
import { sameRequirement } from "./mariadb/sql";

/** The part of the provider's configuration that this kind needs. */
export interface MariadbConfig {
  mariadb?: MariadbServer | undefined;
}

/**
 * `user`@`host` on MariaDB 10.6 and later: ways to log in (hashes), REQUIRE, limit, lock, and all its grants. Complete:
 * a grant, role, global privilege or further host of the same user that was not declared shows in a preview and goes
 * with the next update. Id, also for import: `user@host`.
 *
 * Sessions of the user end whenever something is taken away that an open one would keep: a privilege, a password that
 * leaked or that nobody declared, another host; a rotation ends none: with `formerPassword: "keep"` a password that is
 * replaced logs in beside its successor until estate:rotation:Retirement takes it away. A new one is tried, see probe.ts. What the admin may not revoke
 * for want of holding it (SUPER that root gave by hand) goes by replacing the account: for a moment it is locked.
 *
 * The admin needs CREATE USER, SELECT on `mysql`, CONNECTION ADMIN, and all it grants WITH GRANT OPTION.
 */
export const mariadbAccount: Kind<MariadbConfig, AccountInputs, AccountState> = {
  token: "estate:mariadb:Account",
  secretInputs: ["passwords", "clientCertificate"],
  secretOutputs: ["passwords", "former", "clientCertificate"],
  computedOutputs: ["former"],
  replaceOn: ["user", "host"],

  check: (news) => checkAccount(news),

  async create(call, inputs) {
    return { id: accountId(inputs), state: await converge(call, inputs, undefined) };
  },

  async read(call, id, old) {
    const account = parseId(id);
    const actual = await readAccount((sql, values) => serverOf(call).query(sql, values), account);
    if (!actual) return undefined;
    const kept = old?.inputs.formerPassword === "keep" ? (old.state.former ?? []) : [];
    const former = kept.filter((known) => actual.alternatives.some(({ hash }) => hash === known));
    const inputs = accountAsDeclared(account, actual, old?.inputs, former);
    return { id, inputs, state: { ...inputs, former } };
  },

  async update(call, _id, old, news) {
    return converge(call, news, old.state);
  },

  async delete(call, id) {
    const account = parseId(id);
    await serverOf(call).exclusive(async (connection) => {
      const run = runner(call, connection, account);
      await run(`DROP USER IF EXISTS ${quoteAccount(account)}`);
      const namesakes = await connection.query("SELECT 1 FROM mysql.global_priv WHERE User = ?", [
        account.user,
      ]);
      // A replacement at another host is at work already and keeps its sessions.
      await run(
        namesakes.length > 0 ? `KILL HARD USER ${quoteAccount(account)}` : endSessionsStatement(account.user),
      );
    });
  },
};

/** Brings the account to what is declared, from nothing, from half of it or from anything else. */
async function converge(
  call: Call<MariadbConfig>,
  wanted: AccountInputs,
  before: AccountState | undefined,
): Promise<AccountState> {
  const server = serverOf(call);
  await refuseUnsupported(server, wanted);
  const passwords = before?.passwords ?? [];
  const former = await server.exclusive(async (connection) => {
    const run = runner(call, connection, wanted);
    const read = () => readAccount((sql, values) => connection.query(sql, values), wanted);
    let actual: AccountOnServer | undefined = await read();
    if (!actual) {
      await run(createStatement(wanted));
      actual = await read();
    }
    if (!actual) throw new MariadbError(`${accountId(wanted)} was created but is not in mysql.global_priv`);
    const former = formerHashes(wanted, actual, { passwords, former: before?.former ?? [] });
    const plan = planAccount(wanted, actual, passwords, former);
    let { endSessions } = plan;
    try {
      for (const statement of plan.statements) await run(statement);
    } catch (error) {
      if (!(error instanceof RevokeDenied)) throw error;
      await run(replaceStatement(wanted));
      const blank = await read();
      if (!blank) throw error;
      for (const statement of planAccount(wanted, blank, [], former).statements) await run(statement);
      endSessions = true;
    }
    if (endSessions) await run(endSessionsStatement(wanted.user));
    return former;
  });
  const [newest = ""] = wanted.passwords;
  // Always tried again where the last run did not get as far as to record it.
  const asBefore =
    before?.passwords[0] === newest &&
    (before.clientCertificate ?? null) === wanted.clientCertificate &&
    sameRequirement(before.require, wanted.require);
  if (wanted.probe !== null && !wanted.locked && !asBefore) {
    await probeAccount(server, wanted, newest, wanted.probe);
  }
  return { ...wanted, former };
}

/** The admin may not revoke what it does not hold: SUPER that root gave by hand, a role, a proxy right. */
class RevokeDenied extends MariadbError {}
const DENIED = new Set([1044, 1045, 1142, 1143, 1227, 1370, 1698]);

async function refuseUnsupported(server: MariadbServer, wanted: AccountInputs): Promise<void> {
  const needed = wanted.grants
    .flatMap(({ privileges }) => privileges)
    .filter((name) => name in PRIVILEGE_SINCE);
  if (needed.length === 0) return;
  const [major = 0, minor = 0] = await server.version();
  for (const privilege of needed) {
    const [sinceMajor, sinceMinor] = PRIVILEGE_SINCE[privilege] ?? [0, 0];
    if (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) continue;
    throw new MariadbError(
      `${accountId(wanted)}: privilege ${privilege} needs MariaDB ${sinceMajor}.${sinceMinor}, this server is ` +
        `${major}.${minor}. Remove it from grants`,
    );
  }
}

type Run = (statement: string) => Promise<void>;

function runner(call: Call<MariadbConfig>, connection: MariadbConnection, account: AccountName): Run {
  return async (statement) => {
    call.signal.throwIfAborted();
    try {
      await connection.query(statement);
    } catch (error) {
      if (!(error instanceof MariadbError)) throw error;
      if (alreadyGone(statement, error)) return;
      if (statement.startsWith("REVOKE") && DENIED.has(error.errno ?? 0))
        throw new RevokeDenied(error.message);
      throw await explain(connection, statement, accountId(account), error);
    }
  };
}

/** Errors of a REVOKE whose grant went with an earlier one (a table's takes its columns' along). */
function alreadyGone(statement: string, { errno }: MariadbError): boolean {
  return statement.startsWith("REVOKE") && (errno === 1141 || errno === 1147 || errno === 1403);
}

async function explain(
  connection: MariadbConnection,
  statement: string,
  id: string,
  error: MariadbError,
): Promise<Error> {
  const action = /^[A-Z]+( USER)?/.exec(statement)?.[0] ?? "statement";
  // "Operation CREATE USER failed" (1396) says why in a warning only.
  const warnings =
    error.errno === 1396 ? await connection.query<{ Code: number; Message: string }>("SHOW WARNINGS") : [];
  const cause = warnings.find(({ Code }) => Code !== 1396);
  const errno = cause?.Code ?? error.errno;
  const fix = (errno === undefined ? undefined : FIXES[errno]) ?? "";
  const reason = cause
    ? mariadbWords({ message: cause.Message, sqlMessage: cause.Message, errno: cause.Code })
    : error.message;
  return new MariadbError(`${id}: ${action} failed: ${reason}${fix && `. ${fix}`}`, errno);
}

const FIXES: Readonly<Record<number, string>> = {
  1044: "The admin needs the privileges it grants, WITH GRANT OPTION",
  1045: "The admin needs the privileges it grants, WITH GRANT OPTION",
  1049: "Create the database first: let the account depend on it",
  1142: "The admin needs the privileges it grants, WITH GRANT OPTION",
  1146: "Create the table first: let the account depend on the migrations that make it",
  1227: "The admin needs CREATE USER and CONNECTION ADMIN",
  1290:
    "A password validation plugin refuses hashes, and clear passwords must not reach the server: " +
    "SET GLOBAL strict_password_validation = OFF (the length is checked here instead)",
};

function serverOf(call: Call<MariadbConfig>): MariadbServer {
  if (call.config.mariadb) return call.config.mariadb;
  throw new Error(
    "this provider has no MariaDB server: give the resource the provider whose `mariadb` is set",
  );
}

function accountId({ user, host }: AccountName): string {
  return `${user}@${host}`;
}

function parseId(id: string): AccountName {
  const at = id.lastIndexOf("@");
  if (at < 1 || at === id.length - 1) throw new Error(`"${id}" is no account. Use the form svc_crm@10.0.0.5`);
  return { user: id.slice(0, at), host: id.slice(at + 1) };
}
