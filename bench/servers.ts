import { makeBackupLogin } from "../test/support/backup-login";
import { type Engine, startEngine } from "../test/support/engines";

export interface BenchServer {
  host: string;
  port: number;
  user: string;
  password: string;
  caCertificate: string;
}

/** One throw-away server of each kind. */
export interface BenchServers {
  mariadb: BenchServer;
  postgres: BenchServer;
}

export interface RunningServers extends BenchServers {
  stop(): Promise<void>;
}

export async function startServers(): Promise<RunningServers> {
  const [mariadb, postgres] = await Promise.all([startEngine("mariadb-11.8"), startEngine("postgres-17")]);
  await makeBackupLogin(postgres);
  return {
    mariadb: seen(mariadb),
    postgres: seen(postgres),
    stop: async () => {
      await Promise.all([mariadb.stop(), postgres.stop()]);
    },
  };
}

function seen({ host, port, admin, caCertificate }: Engine): BenchServer {
  return { host, port, ...admin, caCertificate };
}
