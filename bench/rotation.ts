import { connectMariadb } from "../connect/mariadb";
import { connectPostgres } from "../connect/postgres";
import { passwordHash } from "../text/mariadb";
import { scramVerifier } from "../text/scram";
import type { Engine } from "./engine";
import type { BenchServer, BenchServers } from "./servers";

/** Seconds to give every service a new password. */
export interface RotationTimes {
  /** One `up`: made, written, and tried over TLS. */
  estate: number;
  /** One `up` of as many resources that do nothing, of which as many change. */
  floor: number;
  /** The plain statements, one after the other; nothing is tried. */
  sql: number;
}

/** A new password, and the account or slot that takes it up. */
const CHANGES_PER_DATABASE = 2;

/**
 * After the first `up` of both, and after `sqlFloor`, whose accounts the plain statements change.
 * @param count databases on each kind of server
 */
export async function measureRotation(
  estate: Engine,
  floor: Engine,
  servers: BenchServers,
  count: { mariadb: number; postgres: number },
): Promise<RotationTimes> {
  const changed = String(CHANGES_PER_DATABASE * (count.mariadb + count.postgres));
  return {
    estate: await estate.up({ BENCH_GENERATION: "2" }),
    floor: await floor.up({ FLOOR_CHANGED: changed }),
    sql: await plainStatements(servers, count),
  };
}

async function plainStatements(
  { mariadb, postgres }: BenchServers,
  count: { mariadb: number; postgres: number },
): Promise<number> {
  const begun = performance.now();
  const trust = ({ caCertificate }: BenchServer) => ({ caCertificate, serverName: "localhost" });
  const [former, next] = ["the former password of the bench", "the next password of the bench"];
  const hashes = [next, former].map((text) => `mysql_native_password USING '${passwordHash(text)}'`);
  const onMariadb = await connectMariadb(mariadb, trust(mariadb), mariadb);
  for (let index = 0; index < count.mariadb; index++) {
    await onMariadb.query(`ALTER USER floor_${index}@localhost IDENTIFIED VIA ${hashes.join(" OR ")}`);
  }
  await onMariadb.close();
  const onPostgres = await connectPostgres(postgres, trust(postgres), { ...postgres, database: "postgres" });
  for (let index = 0; index < count.postgres; index++) {
    await onPostgres.query(`ALTER ROLE svc_floor_${index}_a PASSWORD '${await scramVerifier(next)}'`);
  }
  await onPostgres.close();
  return (performance.now() - begun) / 1000;
}
