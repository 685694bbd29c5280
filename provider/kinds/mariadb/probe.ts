import { type MariadbConnection, MariadbError } from "../../../connect/mariadb";
import type { MariadbServer } from "../../../connect/mariadb-server";
import { another, failedTrial } from "../wrong-password";
import type { AccountInputs } from "./account";

/** The account has as many sessions as it may: counted after the password was accepted. */
const AT_ITS_LIMIT = 1226;
const ACCESS_DENIED = 1045;
const TABLE_DENIED = 1142;

/**
 * Shows by trying that a new password does what it is for, and no more, before anybody is told of it: over verified TLS it
 * opens the service's own database as exactly this account, which reads no passwords; another password opens nothing, and
 * neither does this one without the certificate, where one is required.
 * Throws MariadbError.
 */
export async function probeAccount(
  server: MariadbServer,
  {
    user,
    host,
    require,
    clientCertificate,
    formerPassword,
  }: Pick<AccountInputs, "user" | "host" | "require" | "clientCertificate" | "formerPassword">,
  password: string,
  database: string,
): Promise<void> {
  const fail = (what: string): never => {
    throw new MariadbError(failedTrial(`${user}@${host}`, what, formerPassword));
  };
  // The wrong one first: a good login after it puts the server's counter of failures back.
  const certified = { user, database, clientCertificate: clientCertificate ?? undefined };
  const wrong = await refusal(() => server.openAs({ ...certified, password: another(password) }));
  if (wrong === undefined) fail("another password logs in too");
  else if (wrong.errno !== ACCESS_DENIED) fail(`a wrong one is not refused as wrong: ${wrong.message}`);
  if (require !== "SSL") {
    const bare = await refusal(() => server.openAs({ user, password, database }));
    if (bare === undefined) fail("it logs in without its certificate");
    else if (bare.errno !== ACCESS_DENIED) fail(`without its certificate it is not refused: ${bare.message}`);
  }
  let connection: MariadbConnection;
  try {
    connection = await server.openAs({ ...certified, password });
  } catch (error) {
    if (error instanceof MariadbError && error.errno === AT_ITS_LIMIT) return;
    return fail(error instanceof Error ? error.message : String(error));
  }
  try {
    const [row] = await connection.query<{ account: string; open: string }>(
      "SELECT CURRENT_USER() AS account, DATABASE() AS open",
    );
    if (row?.account !== `${user}@${host}`) fail(`it logs in as ${row?.account}`);
    if (row?.open !== database) fail(`it opens ${row?.open ?? "no database"}, not ${database}`);
    const denied = await refusal(() => connection.query("SELECT Priv FROM mysql.global_priv LIMIT 1"));
    if (denied?.errno !== TABLE_DENIED) fail("the account may read the server's passwords");
  } finally {
    await connection.close();
  }
}

async function refusal(attempt: () => Promise<unknown>): Promise<MariadbError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (error instanceof MariadbError) return error;
    throw error;
  }
}
