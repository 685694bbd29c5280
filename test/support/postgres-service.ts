import { connectPostgres, type PostgresConnection } from "../../connect/postgres";
import type { PostgresEntry } from "../../estate/types";
import type { PostgresHost } from "./postgres-host";
import { succeed } from "./run";

export const SERVICE_PASSWORD = "fixture-service-password";

/** The database as `up` makes it for a service that owns its tables: owner, login slots, extensions, nothing for PUBLIC. */
export async function makeDatabase(host: PostgresHost, entry: PostgresEntry): Promise<void> {
  const { name, owner } = entry;
  await host.sql(`CREATE ROLE ${owner} NOLOGIN`);
  for (const slot of [`${owner}_a`, `${owner}_b`]) {
    await host.sql(`CREATE ROLE ${slot} LOGIN PASSWORD '${SERVICE_PASSWORD}'; GRANT ${owner} TO ${slot} WITH INHERIT FALSE, SET TRUE;
      ALTER ROLE ${slot} SET role = ${owner}`);
  }
  await host.sql(
    `CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0 CONNECTION LIMIT ${entry.databaseConnectionLimit}`,
  );
  await host.sql(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${name} TO ${owner}_a, ${owner}_b, estate_backup`);
  await host.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC", name);
  for (const extension of entry.extensions)
    await host.sql(`CREATE EXTENSION "${extension}" SCHEMA public`, name);
}

/** The service's own session, over its own way in. The caller closes it. */
export function asService(host: PostgresHost, { name, owner }: PostgresEntry): Promise<PostgresConnection> {
  return connectPostgres(host, host, { user: `${owner}_a`, password: SERVICE_PASSWORD, database: name });
}

/**
 * All of a database as a superuser's pg_dump sees it, rows included, and what such a dump does not tell: owners and versions of extensions,
 * row counts of materialized views. For comparing, by nothing that backup or restore use.
 */
export async function allOf(host: PostgresHost, database: string, ...options: string[]): Promise<string> {
  const bin = `/usr/lib/postgresql/${host.version.slice(0, 2)}/bin`;
  const [first = "", ...rest] = [
    ...host.inside,
    ...[
      "runuser",
      "-u",
      "postgres",
      "--",
      `${bin}/pg_dump`,
      "-h",
      "/run/postgresql",
      "-p",
      String(host.port),
    ],
    ...["-d", database, ...options],
  ];
  const text = (await succeed(first, rest)).replace(/^\\(un)?restrict .*$/gm, "");
  const more = await host.sql(
    `SELECT 'extension', extname, pg_get_userbyid(extowner), n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace ORDER BY 2;
     SELECT 'large object', loid, md5(string_agg(data, '' ORDER BY pageno)) FROM pg_largeobject GROUP BY loid ORDER BY loid;
     SELECT 'populated', oid::regclass, relispopulated, CASE WHEN relispopulated THEN (xpath('/row/c/text()', query_to_xml(
       format('SELECT string_agg(m::text, '';'') AS c FROM %s m', oid::regclass), true, true, '')))[1] END FROM pg_class WHERE relkind = 'm' ORDER BY oid::regclass::text`,
    database,
  );
  return `${text}\n${more}`;
}
