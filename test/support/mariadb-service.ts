import { mariadbGrants } from "../../components/plans/privileges";
import { connectMariadb, type MariadbConnection } from "../../connect/mariadb";
import { databases } from "../../estate/catalogue";
import type { MariadbEntry } from "../../estate/types";
import type { MariadbEngine } from "./engines-mariadb";

export const SERVICE_PASSWORD = "fixture-service-password-of-some-length";

/** Where a service logs in from. */
const HOST = "'127.0.0.1'";

/** As the catalogue declares it. */
export function mariadbEntry(name: string): MariadbEntry {
  const entry = databases.find((each) => each.name === name);
  if (entry?.engine !== "mariadb") throw new Error(`the catalogue has no MariaDB database ${name}`);
  return entry;
}

/** Whoever may do everything on that server. The caller closes it. */
export function asAdmin(engine: MariadbEngine, database?: string): Promise<MariadbConnection> {
  return connectMariadb(engine, engine, { ...engine.admin, database });
}

/** The service's own session, over its own way in. The caller closes it. */
export function asService(
  engine: MariadbEngine,
  { name, service }: MariadbEntry,
  database: string | undefined = name,
): Promise<MariadbConnection> {
  return connectMariadb(engine, engine, { user: service, password: SERVICE_PASSWORD, database });
}

/** The empty database as `up` makes it. */
export async function makeDatabase(
  admin: MariadbConnection,
  { name, charset, collation }: MariadbEntry,
): Promise<void> {
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET ${charset} COLLATE ${collation}`);
}

/** The service's account as `up` makes it, with its rights on the database, which need not be there yet. */
export async function makeService(admin: MariadbConnection, entry: MariadbEntry): Promise<void> {
  const account = `${entry.service}@${HOST}`;
  await admin.query(`CREATE USER ${account} IDENTIFIED BY '${SERVICE_PASSWORD}' REQUIRE SSL`);
  for (const { database, privileges } of mariadbGrants(entry, undefined)) {
    await admin.query(
      `GRANT ${privileges.join(", ")} ON \`${database.replaceAll("_", "\\_")}\`.* TO ${account}`,
    );
  }
}
