import { connectPostgres, type PostgresRow } from "../../connect/postgres";
import { PostgresServer } from "../../connect/postgres-server";
import type { PostgresConfig } from "../../provider/kinds/postgres/server";
import type { Call, Kind, Properties } from "../../provider/wire/kind";
import {
  type PostgresEngine,
  type PostgresExtras,
  type PostgresVersion,
  startPostgres,
} from "./engines-postgres";

/** A kind as the wire drives it: inputs pass through check first. */
export interface Driven<Inputs extends object> {
  create(inputs: object): Promise<Inputs>;
  /** What a refresh would put into the state. `old`: what the state holds now; undefined: an import. */
  read(id: string, old: Inputs | undefined): Promise<Inputs | undefined>;
  update(id: string, old: Inputs, news: object): Promise<Inputs>;
  delete(id: string, old: Inputs): Promise<void>;
  checked(inputs: object): Inputs;
}

export interface PostgresBench {
  engine: PostgresEngine;
  server: PostgresServer;
  /** One statement as the admin. */
  sql<Row extends PostgresRow = PostgresRow>(text: string, database?: string): Promise<Row[]>;
  /** One statement as somebody else, in a session of its own. */
  sqlAs<Row extends PostgresRow = PostgresRow>(
    user: string,
    password: string,
    database: string,
    ...statements: string[]
  ): Promise<Row[]>;
  /** `as`: the admin to work as; default: the superuser of the engine. */
  drive<Inputs extends object, State extends Inputs = Inputs>(
    kind: Kind<PostgresConfig, Inputs, State>,
    as?: PostgresServer,
  ): Driven<State>;
  /** The server as another admin sees it; closed by `stop`. */
  serverAs(user: string, password: string): PostgresServer;
  stop(): Promise<void>;
}

/** A throw-away server with the kinds over it. */
export async function postgresBench(
  version: PostgresVersion,
  extras?: PostgresExtras,
): Promise<PostgresBench> {
  const engine = await startPostgres(version, extras);
  const login = (user: string, password: string, database: string) =>
    connectPostgres(engine, engine, { user, password, database });
  const servers: PostgresServer[] = [];
  const serverAs = (user: string, password: string) => {
    const server = new PostgresServer(engine, engine, { user, password });
    servers.push(server);
    return server;
  };
  const server = serverAs(engine.admin.user, engine.admin.password);
  const sqlAs: PostgresBench["sqlAs"] = async <Row extends PostgresRow>(
    user: string,
    password: string,
    database: string,
    ...statements: string[]
  ) => {
    const connection = await login(user, password, database);
    try {
      let rows: Row[] = [];
      for (const statement of statements) rows = await connection.query<Row>(statement);
      return rows;
    } finally {
      await connection.close();
    }
  };
  return {
    engine,
    server,
    sqlAs,
    sql: (text, database = "postgres") => sqlAs(engine.admin.user, engine.admin.password, database, text),
    drive: (kind, as = server) => drive(kind, callOf(as)),
    serverAs,
    stop: async () => {
      await Promise.all(servers.map((each) => each.close()));
      await engine.stop();
    },
  };
}

function callOf(server: PostgresServer): Call<PostgresConfig> {
  return {
    config: { postgres: server },
    urn: "urn:pulumi:test::test::test::test",
    signal: new AbortController().signal,
  };
}

function drive<Inputs extends object, State extends Inputs>(
  kind: Kind<PostgresConfig, Inputs, State>,
  call: Call<PostgresConfig>,
): Driven<State> {
  const checked = (inputs: object): State => {
    const result = kind.check(inputs as Properties, undefined, call);
    if (result.failures.length > 0) throw new Error(JSON.stringify(result.failures));
    return result.inputs as unknown as State;
  };
  const both = (state: State) => ({ inputs: state, state });
  return {
    checked,
    create: async (inputs) => (await kind.create(call, checked(inputs))).state,
    read: async (id, old) => (await kind.read(call, id, old && both(old)))?.state,
    update: (id, old, news) => kind.update(call, id, both(old), checked(news)),
    delete: (id, old) => kind.delete(call, id, both(old)),
  };
}
