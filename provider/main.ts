import { version } from "../package.json";
import { checkEstateConfig, closeEstateConfig, type EstateConfig, makeEstateConfig, SERVERS } from "./config";
import { catalogueRoster } from "./kinds/catalogue-roster";
import { hostCertificate } from "./kinds/host-certificate";
import { hostFirewall } from "./kinds/host-firewall";
import { hostMachine } from "./kinds/host-machine";
import { hostServerSettings } from "./kinds/host-server-settings";
import { mariadbAccount } from "./kinds/mariadb-account";
import { mariadbDatabase } from "./kinds/mariadb-database";
import { postgresAccess } from "./kinds/postgres-access";
import { postgresLogin } from "./kinds/postgres-login";
import { redisUser } from "./kinds/redis-user";
import { serveProvider } from "./wire/server";

serveProvider<EstateConfig>({
  name: "estate",
  version,
  kinds: [
    catalogueRoster,
    hostCertificate(),
    hostFirewall,
    hostMachine,
    hostServerSettings,
    mariadbAccount,
    mariadbDatabase,
    postgresAccess,
    postgresLogin,
    redisUser,
  ],
  secretConfig: SERVERS,
  checkConfig: checkEstateConfig,
  configure: makeEstateConfig,
  close: closeEstateConfig,
}).catch((error: unknown) => {
  process.stderr.write(`the provider "estate" cannot start: ${String(error)}\n`);
  process.exit(1);
});
