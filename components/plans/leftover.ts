/**
 * A run that is killed between "the server created it" and "the engine recorded it" leaves an object the next run would
 * create again, and the kept PostgreSQL plugin then fails with "already exists". What such a run leaves is empty.
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

export type Leftover = DatabaseLeftover | RoleLeftover;

/** `create`: nothing is there. `drop`: an interrupted run left it, empty. Otherwise the reason not to touch it. */
export type Verdict = { action: "create" } | { action: "drop" } | { action: "refuse"; reason: string };

const PULUMI_TYPES = { database: "postgresql:index/database:Database", role: "postgresql:index/role:Role" };

/** What to do about what stands where something is to be created. `resource`: name of the resource in the program. */
export function verdict(found: Leftover | undefined, resource: string): Verdict {
  if (found === undefined) return { action: "create" };
  const contents = found.kind === "database" ? databaseContents(found) : roleContents(found);
  if (contents.length === 0) return { action: "drop" };
  return {
    action: "refuse",
    reason:
      `${found.kind} ${found.name} exists on the server and ${contents.join(", ")}, so it is neither dropped nor taken over ` +
      `unasked. If it is the one meant: pulumi import ${PULUMI_TYPES[found.kind]} ${resource} ${found.name}`,
  };
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
