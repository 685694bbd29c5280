import { RedisError, type RedisServer } from "../../../connect/redis";
import { another, failedTrial } from "../wrong-password";
import type { UserInputs } from "./acl";

/**
 * Shows by trying that a new password does what it is for, and no more, before anybody is told of it: over verified TLS it
 * logs in as the user, who does not rule the server's users; another password opens nothing. Throws RedisError.
 */
export async function probeUser(
  server: RedisServer,
  { user, formerPassword }: Pick<UserInputs, "user" | "formerPassword">,
  password: string,
): Promise<void> {
  const fail = (what: string): never => {
    throw new RedisError(failedTrial(user, what, formerPassword));
  };
  const wrong = await refusal(server, { user, password: another(password) });
  if (wrong === undefined) fail("another password logs in too");
  else if (!/WRONGPASS/.test(wrong)) fail(`a wrong one is not refused as wrong: ${wrong}`);
  const refused = await refusal(server, { user, password }, ["ACL", "LIST"]);
  if (refused === undefined) fail("the user may read the server's users");
  else if (!/NOPERM/.test(refused)) fail(refused);
}

/** Why the login, or the command after it, was refused; undefined: neither was. */
async function refusal(
  server: RedisServer,
  login: { user: string; password: string },
  [command, ...args]: readonly string[] = [],
): Promise<string | undefined> {
  try {
    const connection = await server.openAs(login);
    try {
      if (command !== undefined) await connection.call(command, ...args);
      return undefined;
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (error instanceof RedisError) return error.message;
    throw error;
  }
}
