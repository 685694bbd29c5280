import { connectMariadb } from "../connect/mariadb";
import { connectPostgres } from "../connect/postgres";
import { passwordHash } from "../text/mariadb";
import { scramVerifier } from "../text/scram";
import type { BenchServer, BenchServers } from "./servers";

const password = "a-password-of-the-bench-and-of-nothing-else";

/**
 * Seconds that plain SQL takes for the same objects, one statement after the other: what no declaration can beat.
 * The objects are named `floor_*` and stay until their servers stop.
 */
export async function sqlFloor(
  { mariadb, postgres }: BenchServers,
  count: { mariadb: number; postgres: number },
): Promise<number> {
  const begun = performance.now();
  await mariadbObjects(mariadb, count.mariadb);
  await postgresObjects(postgres, count.postgres);
  return (performance.now() - begun) / 1000;
}

const trust = ({ caCertificate }: BenchServer) => ({ caCertificate, serverName: "localhost" });

async function mariadbObjects(server: BenchServer, count: number): Promise<void> {
  const connection = await connectMariadb(server, trust(server), server);
  for (let index = 0; index < count; index++) {
    const account = `floor_${index}@localhost`;
    await connection.query(`CREATE DATABASE floor_${index} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
    await connection.query(
      `CREATE USER ${account} IDENTIFIED VIA mysql_native_password USING '${passwordHash(password)}' REQUIRE SSL WITH MAX_USER_CONNECTIONS 20 ACCOUNT LOCK`,
    );
    await connection.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON \`floor\\_${index}\`.* TO ${account}`);
    await connection.query(`ALTER USER ${account} ACCOUNT UNLOCK`);
  }
  await connection.close();
}

async function postgresObjects(server: BenchServer, count: number): Promise<void> {
  const open = (database: string) => connectPostgres(server, trust(server), { ...server, database });
  const admin = await open("postgres");
  for (let index = 0; index < count; index++) {
    const [database, service] = [`floor_${index}`, `svc_floor_${index}`];
    await admin.query(`CREATE ROLE ${service} NOLOGIN`);
    await admin.query(`CREATE DATABASE ${database} OWNER ${service} TEMPLATE template0`);
    await admin.query(
      `CREATE ROLE ${service}_a LOGIN CONNECTION LIMIT 20 PASSWORD '${await scramVerifier(password)}'`,
    );
    await admin.query(`GRANT ${service} TO ${service}_a WITH INHERIT FALSE, SET TRUE`);
    await admin.query(`ALTER ROLE ${service}_a SET role = ${service}`);
    await admin.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${service}_a`);
    const inside = await open(database);
    await inside.query("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    await inside.query(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${service} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
    );
    await inside.close();
  }
  await admin.close();
}
