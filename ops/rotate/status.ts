import { openPinned } from "../../connect/postgres-server";
import { loginSlots } from "../../estate/naming";
import type { AdminOutput, ConnectionOutput, RotationOutput } from "../../estate/outputs";
import { addDays, type Day, daysBetween } from "../../estate/rotation";
import { traitsOf } from "../../estate/servers";

/** Where one password stands today. */
export interface RotationStatus extends RotationOutput {
  /** The database, or the Redis user. */
  name: string;
  ageDays: number;
  overdue: boolean;
  /** Last day of the former password's grace window; undefined: it is retired. */
  formerUntil: Day | undefined;
  /** Open sessions by the former password; undefined: the server cannot tell, or was not asked. */
  formerSessions: number | undefined;
}

/** @param sessions by login slot; undefined: nobody was asked */
export function statusOf(
  rotations: Readonly<Record<string, RotationOutput>>,
  connections: Readonly<Record<string, Pick<ConnectionOutput, "user">>>,
  graceDays: number,
  today: Day,
  sessions: ReadonlyMap<string, number> | undefined,
): RotationStatus[] {
  return Object.entries(rotations).map(([name, rotation]) => {
    const { since, due, published, formerValid, server, service } = rotation;
    const former = loginSlots(service).find((slot) => slot !== connections[name]?.user) ?? "";
    const tells = formerValid && traitsOf(server).engine === "postgres" && sessions !== undefined;
    return {
      name,
      ...rotation,
      ageDays: daysBetween(since, today),
      overdue: today > due,
      formerUntil: formerValid && published ? addDays(published, graceDays) : undefined,
      formerSessions: tells ? (sessions.get(former) ?? 0) : undefined,
    };
  });
}

/** Open sessions by role, as the admin sees them. Throws PostgresError. */
export async function sessionsByRole(admin: AdminOutput, timeoutMs: number): Promise<Map<string, number>> {
  const { host, port, user, password, caCertificate, serverName } = admin;
  const connection = await openPinned(
    { host, port },
    { caCertificate, serverName },
    { user, password },
    { timeoutMs },
  );
  try {
    const rows = await connection.query<{ role: string; sessions: number }>(
      "SELECT usename AS role, count(*)::int AS sessions FROM pg_catalog.pg_stat_activity " +
        "WHERE usename IS NOT NULL GROUP BY usename",
    );
    return new Map(rows.map(({ role, sessions }) => [role, sessions]));
  } finally {
    await connection.close();
  }
}
