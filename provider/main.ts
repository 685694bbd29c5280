import { loadModule } from "libpg-query";
import { version } from "../package.json";
import { checkEstateConfig, closeEstateConfig, type EstateConfig, makeEstateConfig, SERVERS } from "./config";
import { catalogueRoster } from "./kinds/catalogue-roster";
import { clientCertificate } from "./kinds/client-certificate";
import { githubEnvironmentSecret } from "./kinds/github-environment-secret";
import { hostBackupAgent } from "./kinds/host-backup-agent";
import { hostCertificate } from "./kinds/host-certificate";
import { hostFirewall } from "./kinds/host-firewall";
import { hostMachine } from "./kinds/host-machine";
import { hostRedisInstance } from "./kinds/host-redis-instance";
import { hostServerSettings } from "./kinds/host-server-settings";
import { hostSshd } from "./kinds/host-sshd";
import { mariadbAccount } from "./kinds/mariadb-account";
import { mariadbDatabase } from "./kinds/mariadb-database";
import { postgresAccess } from "./kinds/postgres-access";
import { postgresDatabase } from "./kinds/postgres-database";
import { postgresJobs } from "./kinds/postgres-jobs";
import { postgresLogin } from "./kinds/postgres-login";
import { postgresRole } from "./kinds/postgres-role";
import { postgresRowSecurity } from "./kinds/postgres-row-security";
import { redisUser } from "./kinds/redis-user";
import { rotationRetirement } from "./kinds/rotation-retirement";
import { rotationSchedule } from "./kinds/rotation-schedule";
import { sqlMigrations } from "./kinds/sql-migrations";
import { serveProvider } from "./wire/server";

/** The parser of migrations is WebAssembly, and a check does not wait. */
loadModule()
  .then(() =>
    serveProvider<EstateConfig>({
      name: "estate",
      version,
      kinds: [
        catalogueRoster,
        clientCertificate(),
        githubEnvironmentSecret,
        hostBackupAgent,
        hostCertificate(),
        hostFirewall,
        hostMachine,
        hostRedisInstance,
        hostServerSettings,
        hostSshd,
        mariadbAccount,
        mariadbDatabase,
        postgresAccess,
        postgresDatabase,
        postgresJobs,
        postgresLogin,
        postgresRole,
        postgresRowSecurity,
        redisUser,
        rotationRetirement(),
        rotationSchedule(),
        sqlMigrations,
      ],
      machines: true,
      secretConfig: SERVERS,
      checkConfig: checkEstateConfig,
      configure: makeEstateConfig,
      close: closeEstateConfig,
    }),
  )
  .catch((error: unknown) => {
    process.stderr.write(`the provider "estate" cannot start: ${String(error)}\n`);
    process.exit(1);
  });
