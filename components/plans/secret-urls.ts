import type { ConnectionOutput, RedisConnectionOutput } from "../../estate/outputs";

/**
 * Everything a login takes in one value: user and password change together, so that a reader never has one without the
 * other. Servers verify by name; the authority's certificate is a secret of its own, where no path leads to it.
 */

/**
 * `mysql://svc_crm:...@mariadb.test:3306/mo_crm?ssl-mode=VERIFY_IDENTITY`. On the web host itself the certificate is a
 * file, and its name is not the address that applications connect to: VERIFY_CA with that file.
 */
export function mysqlUrl(connection: ConnectionOutput, certificatePath?: string): string {
  const tls = certificatePath
    ? `ssl-mode=VERIFY_CA&ssl-ca=${encodeURIComponent(certificatePath)}`
    : "ssl-mode=VERIFY_IDENTITY";
  return `mysql://${authority(connection)}/${connection.database}?${tls}`;
}

/** `postgresql://svc_idp_a:...@postgres.test:5432/mo_idp?sslmode=verify-full` */
export function postgresqlUrl(connection: ConnectionOutput): string {
  return `postgresql://${authority(connection)}/${connection.database}?sslmode=verify-full`;
}

/** `rediss://svc_crm:...@redis.test:6380/0` */
export function redisUrl(connection: RedisConnectionOutput): string {
  return `rediss://${authority(connection)}/0`;
}

function authority({ user, password, host, port }: ConnectionOutput | RedisConnectionOutput): string {
  const address = host.includes(":") ? `[${host}]` : host;
  return `${encodeURIComponent(user)}:${encodeURIComponent(password)}@${address}:${port}`;
}
