import { type PostgresConnection, PostgresError } from "../../../connect/postgres";
import type { PostgresServer } from "../../../connect/postgres-server";

/**
 * A run that is killed between "the server created it" and "the engine recorded it" leaves an object that the next run
 * creates again. What such a run leaves is empty; anything more is somebody's, and is neither dropped nor taken over
 * unasked.
 */

export interface DatabaseLeftover {
  kind: "database";
  name: string;
  /** Tables, views, sequences, functions and types that are not an extension's or the system's. */
  objects: number;
  /** Open sessions other than ours. */
  sessions: number;
}

export interface RoleLeftover {
  kind: "role";
  name: string;
  canLogin: boolean;
  superuser: boolean;
  /** Objects, in any database, that the role owns or is granted (pg_shdepend). */
  dependencies: number;
  /** Roles that are members of it. */
  members: readonly string[];
}

const TOKENS = { database: "estate:postgres:Database", role: "estate:postgres:Role" };

/** Throws where it is more than a leftover, with the command that takes it over. `urn`: of the resource in the program. */
export function refuseWhatIsUsed(found: DatabaseLeftover | RoleLeftover, urn: string): void {
  const contents = found.kind === "database" ? databaseContents(found) : roleContents(found);
  if (contents.length === 0) return;
  const resource = urn.split("::").at(-1);
  throw new Error(
    `${found.kind} ${found.name} exists on the server and ${contents.join(", ")}, so it is neither dropped nor taken over ` +
      `unasked. If it is the one meant: pulumi import ${TOKENS[found.kind]} ${resource} ${found.name}`,
  );
}

function databaseContents({ objects, sessions }: DatabaseLeftover): string[] {
  return [
    ...(objects > 0 ? [`holds ${objects} objects`] : []),
    ...(sessions > 0 ? [`has ${sessions} open sessions`] : []),
  ];
}

function roleContents({ canLogin, superuser, dependencies, members }: RoleLeftover): string[] {
  return [
    ...(canLogin ? ["can log in"] : []),
    ...(superuser ? ["is a superuser"] : []),
    ...(dependencies > 0 ? [`owns or is granted ${dependencies} objects`] : []),
    ...(members.length > 0 ? [`has the members ${members.join(", ")}`] : []),
  ];
}

/** undefined: there is no such database. One that takes no connections counts as one that holds something. */
export async function findDatabase(
  server: PostgresServer,
  maintenance: PostgresConnection,
  name: string,
): Promise<DatabaseLeftover | undefined> {
  const [row] = await maintenance.query<{ sessions: number; open: boolean }>(
    `SELECT datallowconn AS open,
            (SELECT count(*)::int FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend') AS sessions
       FROM pg_database d WHERE datname = $1`,
    [name],
  );
  if (!row) return undefined;
  // With a session in it the answer is known, and ours would be one more.
  const objects = row.open && row.sessions === 0 ? await server.withConnection(name, countObjects) : 0;
  return { kind: "database", name, objects: row.open ? objects : 1, sessions: row.sessions };
}

/** Objects that neither initdb nor an extension made. */
async function countObjects(database: PostgresConnection): Promise<number> {
  const [row] = await database.query<{ objects: number }>(
    `SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace AND ${ownMade("pg_class")})::int
          + (SELECT count(*) FROM pg_proc WHERE oid >= 16384 AND ${ownMade("pg_proc")})::int
          + (SELECT count(*) FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0 AND ${ownMade("pg_type")})::int
          + (SELECT count(*) FROM pg_namespace WHERE oid >= 16384 AND ${ownMade("pg_namespace")})::int
          + (SELECT count(*) FROM pg_largeobject_metadata)::int AS objects`,
  );
  if (!row) throw new PostgresError(`the objects of database ${database.database} cannot be counted`);
  return row.objects;
}

function ownMade(catalogue: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${catalogue}.oid AND e.deptype = 'e')`;
}

/** undefined: there is no such role. */
export async function findRole(
  maintenance: PostgresConnection,
  name: string,
): Promise<RoleLeftover | undefined> {
  const [row] = await maintenance.query<Omit<RoleLeftover, "kind" | "name">>(
    `SELECT rolcanlogin AS "canLogin", rolsuper AS superuser,
            (SELECT count(*)::int FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
                AND s.classid <> 'pg_auth_members'::regclass) AS dependencies,
            ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m
                  WHERE m.roleid = r.oid AND pg_get_userbyid(m.member) <> session_user ORDER BY 1) AS members
       FROM pg_roles r WHERE rolname = $1`,
    [name],
  );
  return row && { kind: "role", name, ...row };
}
