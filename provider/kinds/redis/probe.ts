import {
  OWN_CERTIFICATE_MISSING,
  RedisError,
  type RedisLogin,
  type RedisServer,
} from "../../../connect/redis";
import { another, failedTrial } from "../wrong-password";
import type { UserInputs } from "./acl";

/**
 * Shows by trying that a new password does what it is for, and no more, before anybody is told of it: over verified TLS it
 * logs in as the user, who does not rule the server's users; another password opens nothing, and neither does this one without the certificate, where one is
 * required. Throws RedisError.
 */
export async function probeUser(
  server: RedisServer,
  {
    user,
    formerPassword,
    clientCertificate,
    requireClientCertificate,
  }: Pick<UserInputs, "user" | "formerPassword" | "clientCertificate" | "requireClientCertificate">,
  password: string,
): Promise<void> {
  const fail = (what: string): never => {
    throw new RedisError(failedTrial(user, what, formerPassword));
  };
  const certified = { user, clientCertificate: clientCertificate ?? undefined };
  const wrong = await refusal(server, { ...certified, password: another(password) });
  if (wrong === undefined) fail("another password logs in too");
  else if (!/WRONGPASS/.test(wrong)) fail(`a wrong one is not refused as wrong: ${wrong}`);
  if (requireClientCertificate) {
    const bare = await refusal(server, { user, password });
    if (bare === undefined) fail("it logs in without its certificate");
    else if (!OWN_CERTIFICATE_MISSING.test(bare)) fail(`without its certificate it is not refused: ${bare}`);
  }
  const refused = await refusal(server, { ...certified, password }, ["ACL", "LIST"]);
  if (refused === undefined) fail("the user may read the server's users");
  else if (!/NOPERM/.test(refused)) fail(refused);
}

/** Why the login, or the command after it, was refused; undefined: neither was. */
async function refusal(
  server: RedisServer,
  login: RedisLogin,
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
