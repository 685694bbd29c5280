import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { MariadbDatabase } from "../../components/mariadb-database";
import { PostgresDatabase } from "../../components/postgres-database";
import type { PostgresServer } from "../../components/postgres-server";
import { keepStacksShort } from "../../components/short-stacks";
import { databases as catalogue } from "../../estate/catalogue";
import { EstateProvider } from "../../provider/resources";
import type { BenchServers } from "../servers";

keepStacksShort();

/** As many databases as asked for, in the catalogue's proportions, on two servers that run already. */
const { count, servers } = JSON.parse(readFileSync(process.env.ESTATE_BENCH as string, "utf8")) as {
  count: number;
  servers: BenchServers;
};

const { mariadb, postgres } = servers;
const mariadbProvider = new EstateProvider("mariadb", { mariadb: { ...mariadb, serverName: "localhost" } });
const mariadbTarget = {
  provider: mariadbProvider,
  certificate: pulumi.output(mariadb.caCertificate),
  accountHost: "127.0.0.1",
  host: mariadb.host,
  port: mariadb.port,
  serverName: "localhost",
};
const postgresTarget = {
  provider: new EstateProvider("postgres", { postgres: { ...postgres, serverName: "localhost" } }),
} as PostgresServer;

/** Another one rotates every password. */
const generation = pulumi.output({ generation: Number(process.env.BENCH_GENERATION ?? 1), leaked: false });

for (let index = 0; index < count; index++) {
  const model = catalogue[index % catalogue.length] as (typeof catalogue)[number];
  const name = `bench_${index}`;
  const service = `svc_bench_${index}`;
  if (model.engine === "mariadb") {
    new MariadbDatabase(name, { entry: { ...model, name, service }, server: mariadbTarget, generation });
  } else {
    const owner = model.owner === model.service ? service : `${name}_owner`;
    // The throw-away server has neither the locale nor pg_stat_statements preloaded.
    const entry = {
      ...model,
      name,
      service,
      owner,
      locale: "C.utf8",
      extensions: model.extensions.slice(0, 1),
    };
    new PostgresDatabase(name, { entry, server: postgresTarget, generation });
  }
}
