import { MariadbError } from "../../connect/mariadb";
import { PostgresError } from "../../connect/postgres";
import { RedisError } from "../../connect/redis";
import { connectAs } from "../../ops/reach/connectors";
import type { Target } from "../../ops/reach/targets";

const TIMEOUT_MS = 10_000;

/** One login to a database or a Redis, in whatever network this process is in. Standard input: a Target as JSON. Prints `in`, or `refused: why`. */
async function main(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const target = JSON.parse(Buffer.concat(chunks).toString()) as Target;
  try {
    const session = await connectAs({})(target, TIMEOUT_MS);
    await session.ping();
    await session.close();
    process.stdout.write("in\n");
  } catch (error) {
    // What is no answer of the server is a fault of the test.
    const answered = [MariadbError, PostgresError, RedisError].some((kind) => error instanceof kind);
    if (!answered) throw error;
    process.stdout.write(`refused: ${(error as Error).message}\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
