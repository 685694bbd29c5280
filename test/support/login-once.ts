import { connectMariadb, MariadbError } from "../../connect/mariadb";
import { connectPostgres, PostgresError } from "../../connect/postgres";
import type { Target } from "../../ops/reach/targets";

/** One login to a database, in whatever network this process is in. Standard input: a Target as JSON. Prints `in`, or `refused: why`. */
async function main(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const { engine, endpoint, trust, password, clientCertificate, expected } = JSON.parse(
    Buffer.concat(chunks).toString(),
  ) as Target;
  const { loggedInAs: user, database } = expected;
  const connect = engine === "mariadb" ? connectMariadb : connectPostgres;
  try {
    const connection = await connect(endpoint, trust, { user, password, database, clientCertificate });
    await connection.query("SELECT 1");
    await connection.close();
    process.stdout.write("in\n");
  } catch (error) {
    // What is no answer of the server is a fault of the test.
    const answered = error instanceof MariadbError || error instanceof PostgresError;
    if (!answered) throw error;
    process.stdout.write(`refused: ${error.message}\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
