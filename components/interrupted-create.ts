import * as pulumi from "@pulumi/pulumi";
import { connectPostgres, type PostgresConnection } from "../connect/postgres";
import { PostgresServer } from "../connect/postgres-server";
import { quoteIdentifier } from "../provider/kinds/postgres/quoting";
import { type DatabaseLeftover, type Leftover, type RoleLeftover, verdict } from "./plans/leftover";

export interface InterruptedCreateArgs {
  host: string;
  port: number;
  user: string;
  password: pulumi.Input<string>;
  caCertificate: pulumi.Input<string>;
  /** Name in the certificate. */
  serverName: string;
}

/** One database of the server, as the admin; the caller closes it. */
export type Connect = (database: string) => Promise<PostgresConnection>;

/** The hooks of many resources follow each other: they share connections, which are not to keep the program waiting. */
const IDLE_MS = 250;

/**
 * Hooks for `beforeCreate` of the kept PostgreSQL plugin's roles and databases, which cannot take over what a killed run
 * created and the engine did not record. Empty leftovers are dropped and then created anew; anything else is an error
 * that names the import command. Not run in a preview.
 */
export class InterruptedCreate {
  readonly database: pulumi.ResourceHook;
  readonly role: pulumi.ResourceHook;

  /** `name` of the server in the program: hooks have names of their own. */
  constructor(
    name: string,
    { host, port, user, password, caCertificate, serverName }: InterruptedCreateArgs,
  ) {
    // Resolved by the time a resource is created: its provider is made of the same values.
    const secrets = new Promise<[string, string]>((resolve) => {
      pulumi.all([password, caCertificate]).apply(resolve);
    });
    const opened = secrets.then(([clear, caCertificate]): [PostgresServer, Connect] => {
      const login = { user, password: clear };
      const trust = { caCertificate, serverName };
      return [
        new PostgresServer({ host, port }, trust, login, IDLE_MS),
        (database) => connectPostgres({ host, port }, trust, { ...login, database }),
      ];
    });
    const hook = (kind: Leftover["kind"]) =>
      new pulumi.ResourceHook(`${name}-interrupted-${kind}`, async ({ name: resource, newInputs }) => {
        const object: unknown = newInputs?.name;
        if (typeof object !== "string") throw new Error(`${resource}: the property name must be set`);
        const [server, connect] = await opened;
        await server.withConnection("postgres", (connection) =>
          clearLeftover(kind, object, resource, connection, connect),
        );
      });
    this.database = hook("database");
    this.role = hook("role");
  }
}

/**
 * Drops what an interrupted run left of a database or a role, if that is all it is. `resource`: its name in the program;
 * `server`: a connection to its database `postgres`; `connect`: opens the one in question.
 * Errors: what stands there is more than a leftover; PostgresError.
 */
export async function clearLeftover(
  kind: Leftover["kind"],
  name: string,
  resource: string,
  server: PostgresConnection,
  connect: Connect,
): Promise<void> {
  const found = await (kind === "database" ? findDatabase(name, server, connect) : findRole(name, server));
  const decision = verdict(found, resource);
  if (decision.action === "refuse") throw new Error(decision.reason);
  if (decision.action === "drop") await server.query(`DROP ${kind} ${quoteIdentifier(name)}`);
}

async function findDatabase(
  name: string,
  server: PostgresConnection,
  connect: Connect,
): Promise<DatabaseLeftover | undefined> {
  const [row] = await server.query<{ sessions: number; open: boolean }>(
    `SELECT datallowconn AS open,
            (SELECT count(*)::int FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend') AS sessions
       FROM pg_database d WHERE datname = $1`,
    [name],
  );
  if (!row) return undefined;
  const inside = row.open ? await countObjects(await connect(name)) : 1;
  return { kind: "database", name, objects: inside, sessions: row.sessions };
}

/** Objects that neither initdb nor an extension made. */
async function countObjects(database: PostgresConnection): Promise<number> {
  try {
    const [row] = await database.query<{ objects: number }>(
      `SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace AND ${ownMade("pg_class")})::int
            + (SELECT count(*) FROM pg_proc WHERE oid >= 16384 AND ${ownMade("pg_proc")})::int
            + (SELECT count(*) FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0 AND ${ownMade("pg_type")})::int
            + (SELECT count(*) FROM pg_namespace WHERE oid >= 16384 AND ${ownMade("pg_namespace")})::int
            + (SELECT count(*) FROM pg_largeobject_metadata)::int AS objects`,
    );
    return row?.objects ?? 1;
  } finally {
    await database.close();
  }
}

function ownMade(catalogue: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${catalogue}.oid AND e.deptype = 'e')`;
}

async function findRole(name: string, server: PostgresConnection): Promise<RoleLeftover | undefined> {
  const [row] = await server.query<Omit<RoleLeftover, "kind" | "name">>(
    `SELECT rolcanlogin AS "canLogin", rolsuper AS superuser,
            (SELECT count(*)::int FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
                AND s.classid <> 'pg_auth_members'::regclass) AS dependencies,
            ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m WHERE m.roleid = r.oid ORDER BY 1) AS members
       FROM pg_roles r WHERE rolname = $1`,
    [name],
  );
  return row && { kind: "role", name, ...row };
}
