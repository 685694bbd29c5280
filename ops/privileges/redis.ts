import { randomBytes } from "node:crypto";
import {
  connectRedis,
  OWN_CERTIFICATE_MISSING,
  type RedisConnection,
  type RedisLogin,
} from "../../connect/redis";
import { OWN_CERTIFICATE_REFUSED } from "../../connect/socket";
import type { RedisUserEntry } from "../../estate/types";
import type { Target } from "../reach/targets";
import { judge, type Observed, type Probe, type ProbeResult } from "./probe";
import { type RedisProbe, redisProbes, SWITCHED_OFF } from "./redis-probes";

/** Logs in as the service's ACL user and tries every probe. Throws where the login itself does not work. */
export async function proveRedis(
  target: Target,
  user: RedisUserEntry,
  all: readonly RedisUserEntry[],
  timeoutMs: number,
): Promise<ProbeResult[]> {
  const connection = await connectRedis(target.endpoint, target.trust, loginOf(target), timeoutMs);
  try {
    const probes = redisProbes({
      user: user.name,
      keyPrefix: user.keyPrefix,
      use: user.use,
      otherPrefixes: [...all.filter(({ name }) => name !== user.name).map(({ keyPrefix }) => keyPrefix), ""],
      scratch: `estate-check-${randomBytes(6).toString("hex")}`,
    });
    const results: ProbeResult[] = [];
    for (const probe of probes) results.push(judge(probe, await attempt(connection, probe)));
    const others = all.filter(({ name, state }) => name !== user.name && state === "live");
    for (const other of others)
      results.push(judge(elsewhere(other), await attemptLogin(target, other.port, timeoutMs)));
    return results;
  } finally {
    await connection.close();
  }
}

function loginOf({ expected, password, clientCertificate }: Target): RedisLogin {
  return { user: expected.loggedInAs, password, clientCertificate };
}

/** Said by TLS, before any password: the instance asks for a certificate, and this is none of its service's. */
const NOT_LET_IN = "TLS alert";

/** Each service has an instance of its own, which knows no other service. */
const elsewhere = ({ name, clientCertificate }: RedisUserEntry): Probe => ({
  title: `log in to the instance of ${name}`,
  expected: "refused",
  refusedBy: clientCertificate === undefined ? ["WRONGPASS"] : ["WRONGPASS", NOT_LET_IN],
});

async function attemptLogin(target: Target, port: number, timeoutMs: number): Promise<Observed> {
  try {
    const endpoint = { ...target.endpoint, port };
    const connection = await connectRedis(endpoint, target.trust, loginOf(target), timeoutMs);
    await connection.close();
    return {};
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const certificate = OWN_CERTIFICATE_MISSING.test(message) || OWN_CERTIFICATE_REFUSED.test(message);
    return { error: { code: certificate ? NOT_LET_IN : /: (WRONGPASS)\b/.exec(message)?.[1], message } };
  }
}

async function attempt(connection: RedisConnection, { commands, cleanup }: RedisProbe): Promise<Observed> {
  const call = ([command = "", ...words]: readonly string[]) => connection.call(command, ...words);
  try {
    for (const command of commands) await call(command);
    return {};
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: { code: codeOf(message), message } };
  } finally {
    for (const command of cleanup ?? []) await call(command).catch(() => undefined);
  }
}

/** Redis begins its errors with a word in capitals; whatever else comes is no answer of the server. */
function codeOf(message: string): string | undefined {
  if (/^ERR \S+ command not allowed/.test(message)) return SWITCHED_OFF;
  return /^[A-Z]{3,}\b/.exec(message)?.[0];
}
