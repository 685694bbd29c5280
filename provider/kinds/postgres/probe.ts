import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import type { PostgresServer } from "../../../connect/postgres-server";
import { another, failedTrial } from "../wrong-password";

const WRONG_PASSWORD = "28P01";
const NOT_LET_IN = "28000";
const NO_CONNECT = "42501";
const NO_DATABASE = "3D000";
const FULL = "53300";

/** Who logs in, and what it shows beside the password. */
export interface ProbedLogin {
  role: string;
  worksAs: string;
  /** PEM of the private key and the certificate of the slot; undefined: it has none. */
  shown: string | undefined;
  /** Without it the password opens nothing. */
  required: boolean;
  /** Whether the password before it still logs in. */
  former: "keep" | "refuse";
}

/**
 * Shows by trying that a new password does what it is for, and no more, before anybody is told of it: over verified TLS it
 * opens the service's own database as the slot, which works as the service and reads no passwords; another password opens
 * nothing, and neither does this one without the certificate, where one is required. A slot that may not connect yet (database or grants are to follow), or has as many sessions as it may, has shown
 * its password all the same: the server asks for it first. Throws PostgresError.
 */
export async function probeLogin(
  server: PostgresServer,
  { role, worksAs, shown, required, former }: ProbedLogin,
  password: string,
  database: string,
): Promise<void> {
  const fail = (what: string): never => {
    throw new PostgresError(failedTrial(role, what, former));
  };
  const certified = { user: role, database, clientCertificate: shown };
  const wrong = await refusal(() => server.openAs({ ...certified, password: another(password) }));
  if (wrong === undefined) fail("another password logs in too");
  else if (wrong.code !== WRONG_PASSWORD) fail(`a wrong one is not refused as wrong: ${wrong.message}`);
  if (required) {
    const bare = await refusal(() => server.openAs({ user: role, password, database }));
    if (bare === undefined) fail("it logs in without its certificate");
    else if (bare.code !== NOT_LET_IN) fail(`without its certificate it is not refused: ${bare.message}`);
  }
  let connection: PostgresConnection;
  try {
    connection = await server.openAs({ ...certified, password });
  } catch (error) {
    if (error instanceof PostgresError && accepted(error)) return;
    return fail(error instanceof Error ? error.message : String(error));
  }
  try {
    const [row] = await connection.query<{ slot: string; role: string }>(
      "SELECT session_user AS slot, current_user AS role",
    );
    if (row?.slot !== role) fail(`it logs in as ${row?.slot}`);
    if (row?.role !== worksAs) fail(`it works as ${row?.role}, not as ${worksAs}`);
    const denied = await refusal(() =>
      connection.query("SELECT rolpassword FROM pg_catalog.pg_authid LIMIT 1"),
    );
    if (denied?.code !== NO_CONNECT) fail("the service may read the server's passwords");
  } finally {
    await connection.close();
  }
}

function accepted({ code, message }: PostgresError): boolean {
  return (
    code === NO_CONNECT || code === NO_DATABASE || (code === FULL && /for (role|database)/.test(message))
  );
}

async function refusal(attempt: () => Promise<unknown>): Promise<PostgresError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (error instanceof PostgresError) return error;
    throw error;
  }
}
