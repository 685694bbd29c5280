import type * as pulumi from "@pulumi/pulumi";
import { databaseSecrets, redisSecrets } from "../estate/published";
import { traitsOf, webHost } from "../estate/servers";
import type { Estate } from "../estate/types";
import { connectionOutput, redisConnectionOutput } from "./connections";
import type { DatabaseLogin, RedisLogin } from "./logins";
import { mysqlUrl, postgresqlUrl, redisUrl } from "./plans/secret-urls";
import { PublishedSecrets, type PublishedServer, type PublishedService } from "./published-secrets";
import type { Servers } from "./servers";
import type { ServiceUser } from "./service-user";

/** Publishes what the estate's services log in with; undefined: the stack publishes nothing. */
export function publishSecrets(
  { config }: Estate,
  servers: Servers,
  databases: readonly DatabaseLogin[],
  redisUsers: readonly RedisLogin[],
): PublishedSecrets | undefined {
  if (!config.github) return undefined;
  const { certificatePath } = webHost(config.servers);
  const { mariadb, postgres, redis } = servers;
  return new PublishedSecrets("github", {
    target: config.github,
    servers: Object.entries({ ...mariadb, ...postgres, ...(redis && { [redis.name]: redis }) }).map(
      ([name, { host, certificate }]): PublishedServer => ({ name, host, certificate }),
    ),
    services: [
      ...databases.flatMap((login) =>
        login.user ? [databaseService(login, login.user, certificatePath)] : [],
      ),
      ...redisUsers.map(redisService),
    ],
  });
}

function databaseService(
  { entry, server, contextKey }: DatabaseLogin,
  user: ServiceUser,
  pleskCertificate: string,
): PublishedService {
  const certificatePath = traitsOf(entry.server).management === "panel" ? pleskCertificate : undefined;
  const url: pulumi.Output<string> = connectionOutput(entry, server, user).apply((connection) =>
    connection.engine === "postgres" ? postgresqlUrl(connection) : mysqlUrl(connection, certificatePath),
  );
  const { password, accounts, clientCertificate } = user;
  return {
    name: entry.name,
    secrets: databaseSecrets(entry),
    password,
    url,
    contextKey,
    clientCertificate,
    dependsOn: accounts,
  };
}

function redisService({ entry, server, user }: RedisLogin): PublishedService {
  return {
    name: `redis-${entry.name}`,
    secrets: redisSecrets(entry),
    password: user.password,
    url: redisConnectionOutput(entry, server, user).apply(redisUrl),
    clientCertificate: user.clientCertificate,
    dependsOn: [user],
  };
}
