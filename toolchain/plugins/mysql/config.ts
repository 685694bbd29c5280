import type { CheckFailure, Properties } from "../../../provider/wire/kind";
import { checkFields, type Fields } from "../fields";

export interface ServerConfig {
  /** `host:port` */
  endpoint: string;
  username: string;
  password?: string;
  /** `socks5://host:port`; default: ALL_PROXY. */
  proxy?: string;
}

const ENDPOINT = /^(.+):(\d+)$/;

const FIELDS: Fields = {
  endpoint: {
    type: "string",
    fault: (value) => (ENDPOINT.test(value as string) ? undefined : "must be host:port"),
  },
  username: { type: "string" },
  password: { type: "string" },
  proxy: {
    type: "string",
    fault: (value) =>
      /^socks5h?:\/\/.*:\d+$/.test(value as string) ? undefined : "must be socks5://host:port",
  },
  tls: {
    type: "string",
    fault: (value) =>
      value === "true"
        ? undefined
        : 'unsupported by the stand-in of @pulumi/mysql, which always verifies the server. Use "true"',
  },
};

/** The real plugin's configuration, its defaults from the environment included (MYSQL_ENDPOINT, ...). */
export function checkConfig(
  news: Properties,
  env: NodeJS.ProcessEnv = process.env,
): { inputs: Properties; failures: CheckFailure[] } {
  const { inputs, failures } = checkFields("@pulumi/mysql", FIELDS, news);
  const required = { endpoint: env.MYSQL_ENDPOINT, username: env.MYSQL_USERNAME, tls: env.MYSQL_TLS_CONFIG };
  for (const [property, fallback] of Object.entries(required)) {
    const given = property in inputs || failures.some((failure) => failure.property === property);
    if (!given && !fallback) failures.push({ property, reason: "is missing" });
  }
  return { inputs, failures };
}

/** Checked configuration with every default filled in. */
export function serverConfig(inputs: Properties, env: NodeJS.ProcessEnv = process.env): ServerConfig {
  const given = inputs as Partial<ServerConfig>;
  return {
    endpoint: given.endpoint ?? env.MYSQL_ENDPOINT ?? "",
    username: given.username ?? env.MYSQL_USERNAME ?? "",
    password: given.password ?? env.MYSQL_PASSWORD,
    proxy: given.proxy,
  };
}

/** A checked endpoint in its parts. */
export function parseEndpoint(endpoint: string): { host: string; port: number } {
  const [, host = "", port] = ENDPOINT.exec(endpoint) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
