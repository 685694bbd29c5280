import { randomBytes } from "node:crypto";
import { ADMIN, mariadbAdminSql } from "../../components/plans/admin";
import { connectMariadb } from "../../connect/mariadb";
import { MariadbServer } from "../../connect/mariadb-server";
import { connectPostgres } from "../../connect/postgres";
import { PostgresServer } from "../../connect/postgres-server";
import { connectRedis, RedisServer } from "../../connect/redis";
import type { EstateConfig } from "../../provider/config";
import { mariadbAccount } from "../../provider/kinds/mariadb-account";
import { postgresLogin } from "../../provider/kinds/postgres-login";
import { redisUser } from "../../provider/kinds/redis-user";
import type { AnyKind, Call, Properties } from "../../provider/wire/kind";
import { startMariadb } from "./engines-mariadb";
import { startPostgres } from "./engines-postgres";
import { startRedis } from "./engines-redis";

/** What a service was told to log in with. */
export interface Credential {
  user: string;
  password: string;
}

/** A session of a service; every engine's in one form. */
export interface ServiceSession {
  /** Throws when the server has ended it. */
  query(): Promise<void>;
  close(): Promise<void>;
}

/** One service on a throw-away server, whose password is rotated as the program does it. */
export interface Rotating {
  call: Call<EstateConfig>;
  kind: AnyKind;
  /** Name of the service user that `declare` makes. */
  service: string;
  /** Inputs for the kind, checked. */
  declare(password: string, former: "keep" | "refuse"): Properties;
  /** What would be published after the kind's create or update gave this state. */
  credential(state: Properties): Credential;
  login(credential: Credential): Promise<ServiceSession>;
  /** Makes the probe of the next password fail until it is undone. */
  breakProbe(): Promise<() => Promise<void>>;
  /** A service that nothing was done with yet. */
  next(): Promise<void>;
  /** Host part of accounts; MariaDB only. */
  host: string | null;
  stop(): Promise<void>;
}

export const ROTATING = {
  "MariaDB 10.11": () => onMariadb("10.11"),
  "MariaDB 11.8": () => onMariadb("11.8"),
  "PostgreSQL 16": () => onPostgres("16"),
  "PostgreSQL 17": () => onPostgres("17"),
  "Redis 7.0": () => onRedis("7.0"),
  "Redis 8.0": () => onRedis("8.0"),
} as const;

export function newPassword(): string {
  return `Canary-${randomBytes(24).toString("base64url")}`;
}

const callWith = (config: EstateConfig): Call<EstateConfig> => ({
  config,
  urn: "urn",
  signal: new AbortController().signal,
});

function checkedBy(kind: AnyKind, news: Properties): Properties {
  const { inputs, failures } = kind.check(news, undefined, { urn: "" });
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  return inputs;
}

async function onMariadb(version: "10.11" | "11.8"): Promise<Rotating> {
  const host = "127.0.0.1";
  const engine = await startMariadb(version);
  const root = new MariadbServer(engine, engine, engine.admin);
  const password = newPassword();
  for (const statement of mariadbAdminSql(password, host).split(";\n")) await root.query(statement);
  await root.query("CREATE DATABASE mo_x");
  const mariadb = new MariadbServer(engine, engine, { user: ADMIN, password });
  let database = "mo_x";
  let count = 0;
  const rotating: Rotating = {
    call: callWith({ mariadb }),
    kind: mariadbAccount,
    service: "",
    host,
    declare: (newest, formerPassword) =>
      checkedBy(mariadbAccount, {
        user: rotating.service,
        host,
        passwords: [newest],
        formerPassword,
        probe: database,
        require: "SSL",
        maxUserConnections: 5,
        grants: [{ database: "mo_x", privileges: ["SELECT"] }],
      }),
    credential: ({ user, passwords }) => ({
      user: String(user),
      password: String((passwords as readonly string[])[0]),
    }),
    async login(credential) {
      const connection = await connectMariadb(engine, engine, { ...credential, database: "mo_x" });
      return {
        query: () => connection.query("SELECT 1").then(() => undefined),
        close: () => connection.close(),
      };
    },
    async breakProbe() {
      database = "mo_elsewhere";
      return async () => {
        database = "mo_x";
      };
    },
    async next() {
      rotating.service = `svc_${++count}`;
    },
    async stop() {
      await Promise.all([mariadb.close(), root.close()]);
      await engine.stop();
    },
  };
  return rotating;
}

async function onPostgres(version: "16" | "17"): Promise<Rotating> {
  const engine = await startPostgres(version);
  const postgres = new PostgresServer(engine, engine, engine.admin);
  const sql = (text: string) => postgres.withConnection("postgres", (connection) => connection.query(text));
  let count = 0;
  const rotating: Rotating = {
    call: callWith({ postgres }),
    kind: postgresLogin,
    service: "",
    host: null,
    declare: (password, formerPassword) =>
      checkedBy(postgresLogin, {
        worksAs: rotating.service,
        password,
        formerPassword,
        probe: "postgres",
        connectionLimit: 5,
      }),
    credential: ({ role, password }) => ({ user: String(role), password: String(password) }),
    async login(credential) {
      const connection = await connectPostgres(engine, engine, credential);
      return {
        query: () => connection.query("SELECT 1").then(() => undefined),
        close: () => connection.close(),
      };
    },
    async breakProbe() {
      await sql(`GRANT SELECT ON pg_authid TO ${rotating.service}`);
      return async () => {
        await sql(`REVOKE SELECT ON pg_authid FROM ${rotating.service}`);
      };
    },
    async next() {
      rotating.service = `svc_${++count}`;
      await sql(`CREATE ROLE ${rotating.service}`);
    },
    async stop() {
      await postgres.close();
      await engine.stop();
    },
  };
  return rotating;
}

async function onRedis(version: "7.0" | "8.0"): Promise<Rotating> {
  const engine = await startRedis(version);
  const redis = new RedisServer(engine, engine, engine.admin);
  let commands = "-@all +@read +@connection -@dangerous";
  let count = 0;
  const rotating: Rotating = {
    call: callWith({ redis }),
    kind: redisUser,
    service: "",
    host: null,
    declare: (newest, formerPassword) =>
      checkedBy(redisUser, {
        user: rotating.service,
        passwords: [newest],
        formerPassword,
        keys: [`${rotating.service}:*`],
        commands,
      }),
    credential: ({ user, passwords }) => ({
      user: String(user),
      password: String((passwords as readonly string[])[0]),
    }),
    async login(credential) {
      const connection = await connectRedis(engine, engine, credential);
      return { query: () => connection.call("PING").then(() => undefined), close: () => connection.close() };
    },
    async breakProbe() {
      const before = commands;
      commands = `${before} +acl|list`;
      return async () => {
        commands = before;
      };
    },
    async next() {
      rotating.service = `svc_${++count}`;
    },
    async stop() {
      await redis.close();
      await engine.stop();
    },
  };
  return rotating;
}
