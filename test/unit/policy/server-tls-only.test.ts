import { mariadbGuarded, postgresGuarded, redisGuarded } from "../../../components/plans/guarded";
import { hostCommand } from "../../../components/plans/host-script";
import { mariadbConfig } from "../../../components/plans/mariadb-config";
import { postgresConfig } from "../../../components/plans/postgres-config";
import { redisConfig } from "../../../components/plans/redis-config";
import { TLS } from "../../../components/plans/tls";
import { serverTlsOnly } from "../../../policy/rules/server-tls-only";
import { verifyRule } from "../../support/policy";

const command = (variables: Record<string, string>, user = "root") => ({
  create: hostCommand({ scripts: ["settings"], variables, user }),
});
const type = "command:remote:Command";
const mariadb = mariadbConfig({
  ...TLS.mariadb,
  listen: "10.0.0.5",
  port: 3306,
  memoryMiB: 1024,
  serviceLimits: [20],
});
const postgres = postgresConfig({
  ...TLS.postgres,
  listen: "10.0.0.5",
  port: 5432,
  memoryMiB: 1024,
  serviceLimits: [20],
});
const redis = redisConfig({ ...TLS.redis, listen: "10.0.0.5", port: 6380, memoryMiB: 512 });

verifyRule(serverTlsOnly, { type, props: command({ CONFIGURATION: mariadb }) }, [
  {
    clause: "MariaDB without require_secure_transport",
    props: command({ CONFIGURATION: mariadb.replace("require_secure_transport = ON", "") }),
    says: ["MariaDB answers without TLS. Set require_secure_transport = ON"],
  },
  {
    clause: "MariaDB with it off",
    props: command({ CONFIGURATION: mariadb.replace("transport = ON", "transport = OFF") }, "estate"),
    says: ["MariaDB answers without TLS. Set require_secure_transport = ON"],
  },
  {
    clause: "MariaDB with TLS 1.1",
    props: command({ CONFIGURATION: mariadb.replace("= TLSv1.2,", "= TLSv1.1,TLSv1.2,") }),
    says: ["MariaDB takes any version of TLS. Set tls_version = TLSv1.2,TLSv1.3"],
  },
]);

verifyRule(serverTlsOnly, { type, props: command({ CONFIGURATION: postgres }) }, [
  {
    clause: "PostgreSQL without ssl",
    props: command({ CONFIGURATION: postgres.replace("ssl = on", "ssl = off") }),
    says: ["PostgreSQL has no TLS. Set ssl = on"],
  },
  {
    clause: "PostgreSQL with TLS 1.2",
    props: command({ CONFIGURATION: postgres.replace("TLSv1.3", "TLSv1.2") }),
    says: ["PostgreSQL takes old versions of TLS. Set ssl_min_protocol_version = 'TLSv1.3'"],
  },
  {
    clause: "PostgreSQL with md5",
    props: command({ CONFIGURATION: postgres.replace("scram-sha-256", "md5") }),
    says: ["PostgreSQL may keep weak password hashes. Set password_encryption = 'scram-sha-256'"],
  },
]);

verifyRule(serverTlsOnly, { type, props: command({ CONFIGURATION: redis }) }, [
  {
    clause: "Redis with a plain port",
    props: command({ CONFIGURATION: redis.replace("port 0", "port 6379") }),
    says: ["Redis answers on a plain port. Set port 0"],
  },
  {
    clause: "Redis without a TLS port",
    props: command({ CONFIGURATION: redis.replace("tls-port 6380", "") }),
    says: ["Redis has no TLS port. Set tls-port"],
  },
]);

const settingsKind = "estate:host:ServerSettings";
const closed = { listen: "10.0.0.5", port: 3306 };
const notWatched = (engine: string, name: string) =>
  `${engine}: effective.${name} is not watched to stay closed. Set it as the configuration does`;
const settings = {
  mariadb: {
    engine: "mariadb",
    configuration: mariadb,
    effective: mariadbGuarded({ ...TLS.mariadb, ...closed }),
  },
  postgres: {
    engine: "postgres",
    configuration: postgres,
    effective: postgresGuarded({ ...TLS.postgres, ...closed }),
  },
  redis: { engine: "redis", configuration: redis, effective: redisGuarded({ ...TLS.redis, ...closed }) },
};

verifyRule(serverTlsOnly, { type: settingsKind, props: settings.mariadb }, [
  {
    clause: "settings whose file lets plain connections in",
    props: { configuration: mariadb.replace("transport = ON", "transport = OFF") },
    says: ["MariaDB answers without TLS. Set require_secure_transport = ON"],
  },
  {
    clause: "a running MariaDB that nobody holds to it",
    props: { effective: {} },
    says: [notWatched("MariaDB", "require_secure_transport"), notWatched("MariaDB", "tls_version")],
  },
]);

verifyRule(serverTlsOnly, { type: settingsKind, props: settings.postgres }, [
  {
    clause: "a running PostgreSQL held to less",
    props: { effective: { ...settings.postgres.effective, ssl_min_protocol_version: "TLSv1.2" } },
    says: [notWatched("PostgreSQL", "ssl_min_protocol_version")],
  },
]);

verifyRule(serverTlsOnly, { type: settingsKind, props: settings.redis }, [
  {
    clause: "a running Redis that nobody holds to it",
    props: { effective: {} },
    says: [notWatched("Redis", "tls")],
  },
]);
