import { RedisError, type RedisServer } from "../../connect/redis";
import type { Call, Kind } from "../wire/kind";
import {
  formerHashes,
  parseUser,
  passwordLeaked,
  setUserArguments,
  type UserInputs,
  type UserOnServer,
  type UserState,
  userAsDeclared,
} from "./redis/acl";
import { checkUser } from "./redis/check";
import { probeUser } from "./redis/probe";

/** The part of the provider's configuration that this kind needs. */
export interface RedisConfig {
  redis?: RedisServer | undefined;
}

/**
 * An ACL user on Redis 7 and later: password hashes, key and channel patterns, command rules. Complete: whatever else
 * the user has shows in a preview and goes with the next update. Saved to the server's ACL file, which it has to have.
 * Id, also for import: the user's name. Another `port` is the same user at another instance: made there, in place.
 *
 * What is taken away holds for open sessions at once; they end where a password leaked (it is replaced outright) or
 * nobody declared it. With `formerPassword: "keep"` a password that is replaced logs in beside its successor until
 * estate:rotation:Retirement takes it away, and no session ends. A new one is tried, see probe.ts. The admin needs ACL, CLIENT KILL.
 */
export const redisUser: Kind<RedisConfig, UserInputs, UserState> = {
  token: "estate:redis:User",
  secretInputs: ["passwords", "clientCertificate"],
  secretOutputs: ["passwords", "former", "clientCertificate"],
  computedOutputs: ["appliedCommands", "former"],
  replaceOn: ["user"],

  check: (news) => checkUser(news),

  async create(call, inputs) {
    return { id: inputs.user, state: await converge(call, inputs, undefined) };
  },

  async read(call, id, old) {
    const actual = await readUser(serverOf(call, old?.inputs.port), id);
    if (!actual) return undefined;
    const state = userAsDeclared(id, actual, old && { ...old.state, ...old.inputs });
    const { appliedCommands: _, former: _former, ...inputs } = state;
    return { id, inputs, state };
  },

  async update(call, _id, old, news) {
    return converge(call, news, old.state);
  },

  async delete(call, id, { inputs }) {
    call.signal.throwIfAborted();
    const server = serverOf(call, inputs.port);
    // Ends the user's sessions as well.
    await server.call("ACL", "DELUSER", id).catch(explain(id));
    await save(server, id);
  },
};

async function converge(
  call: Call<RedisConfig>,
  wanted: UserInputs,
  last: UserState | undefined,
): Promise<UserState> {
  call.signal.throwIfAborted();
  const { user } = wanted;
  const known = { passwords: last?.passwords ?? [], former: last?.former ?? [] };
  const server = serverOf(call, wanted.port);
  const before = await readUser(server, user);
  const former = formerHashes(wanted, before, known);
  await server.call("ACL", "SETUSER", ...setUserArguments(wanted, former)).catch(explain(user));
  await save(server, user);
  if (before && passwordLeaked(wanted, before, known.passwords, former)) {
    await server.call("CLIENT", "KILL", "USER", user).catch(explain(user));
  }
  const after = await readUser(server, user);
  if (!after) throw new RedisError(`${user}: was set, yet the server does not know the user`);
  const [newest = ""] = wanted.passwords;
  const asBefore =
    before !== undefined &&
    known.passwords[0] === newest &&
    (last?.clientCertificate ?? null) === (wanted.clientCertificate ?? null) &&
    (last?.requireClientCertificate ?? null) === (wanted.requireClientCertificate ?? null);
  if (!asBefore) await probeUser(server, wanted, newest);
  return { ...wanted, appliedCommands: after.commands, former };
}

async function readUser(server: RedisServer, user: string): Promise<UserOnServer | undefined> {
  const reply = await server.call("ACL", "GETUSER", user).catch(explain(user));
  return reply === null ? undefined : parseUser(reply, await server.version());
}

/** Also when nothing changed: an earlier run may have been interrupted before it saved. */
async function save(server: RedisServer, user: string): Promise<void> {
  await server.call("ACL", "SAVE").catch(explain(user));
}

function explain(user: string): (error: unknown) => never {
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const fix = FIXES.find(([pattern]) => pattern.test(message))?.[1];
    throw new RedisError(`${user}: ${message}${fix ? `. ${fix}` : ""}`);
  };
}

const FIXES: readonly (readonly [RegExp, string])[] = [
  [
    /not configured to use an ACL file/,
    "Users would be lost at a restart: set `aclfile /etc/redis/users.acl` in redis.conf",
  ],
  [/Unknown command or category/, "Correct `commands`; ACL CAT on the server lists what it knows"],
  [
    /trying to save the ACLs/,
    "Its disk is full, or its directory not its own. The change holds until the server starts again: make room on its host, then run `pulumi up`",
  ],
  [/NOPERM/, "The admin needs the commands ACL and CLIENT"],
];

function serverOf(call: Call<RedisConfig>, port: number | null | undefined): RedisServer {
  const { redis } = call.config;
  if (redis) return typeof port === "number" ? redis.at(port) : redis;
  throw new Error("this provider has no Redis server: give the resource the provider whose `redis` is set");
}
