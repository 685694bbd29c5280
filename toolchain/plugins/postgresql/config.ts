import type { CheckFailure, Properties } from "../../../provider/wire/kind";
import { checkFields, type Fields, parseConfig } from "../fields";

export interface ServerConfig {
  host: string;
  port: number;
  username: string;
  password?: string;
  /** The database that roles and databases are managed from, and that the others default to. */
  database: string;
  sslmode: "verify-full" | "verify-ca";
  /** Path of a PEM file; the system's authorities where it is not given. */
  sslrootcert?: string;
  /** Seconds; 0: no limit. */
  connectTimeout: number;
  /** 0: no limit. */
  maxConnections: number;
}

const MODES = ["verify-full", "verify-ca"];

const FIELDS: Fields = {
  host: { type: "string" },
  port: { type: "number" },
  username: { type: "string" },
  password: { type: "string" },
  database: { type: "string" },
  sslmode: {
    type: "string",
    fault: (value) =>
      MODES.includes(value as string)
        ? undefined
        : "unsupported by the stand-in of @pulumi/postgresql, which always verifies the server. Use verify-full",
  },
  sslrootcert: { type: "string" },
  connectTimeout: { type: "number" },
  maxConnections: { type: "number" },
  // Both only choose statements for servers older than any this project accepts, or for password reading.
  superuser: { type: "boolean" },
  expectedVersion: { type: "string" },
};

/** The real plugin's configuration, its defaults from the environment included (PGHOST, PGPORT, PGUSER, ...). */
export function checkConfig(
  news: Properties,
  env: NodeJS.ProcessEnv = process.env,
): { inputs: Properties; failures: CheckFailure[] } {
  const { inputs, failures } = checkFields("@pulumi/postgresql", FIELDS, parseConfig(FIELDS, news));
  const missing = (name: string) =>
    inputs[name] === undefined && !failures.some(({ property }) => property === name);
  if (missing("host") && !env.PGHOST)
    failures.push({ property: "host", reason: "is missing, and PGHOST is not set" });
  if (missing("sslmode") && !MODES.includes(env.PGSSLMODE ?? "")) {
    failures.push({ property: "sslmode", reason: "is missing. Use verify-full" });
  }
  return { inputs, failures };
}

/** Checked configuration with every default filled in. */
export function serverConfig(inputs: Properties, env: NodeJS.ProcessEnv = process.env): ServerConfig {
  const given = parseConfig(FIELDS, inputs) as Partial<ServerConfig>;
  return {
    host: given.host ?? env.PGHOST ?? "",
    port: given.port ?? Number(env.PGPORT ?? 5432),
    username: given.username ?? env.PGUSER ?? "postgres",
    password: given.password ?? env.PGPASSWORD,
    database: given.database ?? env.PGDATABASE ?? "postgres",
    sslmode: given.sslmode ?? (env.PGSSLMODE === "verify-ca" ? "verify-ca" : "verify-full"),
    sslrootcert: given.sslrootcert,
    connectTimeout: given.connectTimeout ?? Number(env.PGCONNECT_TIMEOUT ?? 180),
    maxConnections: given.maxConnections ?? 20,
  };
}
