import { connectPostgres } from "../../connect/postgres";
import { BACKUP_LOGINS } from "../../estate/naming";
import type { PostgresEngine } from "./engines-postgres";

/** Makes who reads for the backup, whom every database of the estate lets in, as provisioning a server does. */
export async function makeBackupLogin(
  engine: Pick<PostgresEngine, "host" | "port" | "admin" | "caCertificate">,
): Promise<void> {
  const { host, port, admin, caCertificate } = engine;
  const connection = await connectPostgres({ host, port }, { caCertificate, serverName: "localhost" }, admin);
  await connection.query(`CREATE ROLE ${BACKUP_LOGINS.reader} LOGIN`).finally(() => connection.close());
}
