import type { PostgresConnection } from "../../../connect/postgres";

/**
 * Functions of the server that are everybody's at first, in each database by itself, and that row security does not bind: by property,
 * what their names match. Whoever makes a large object may give it to everybody, and a backup cannot read it. Whoever takes an advisory
 * lock holds up everybody who takes the same, the migrations and the rotation of keys for two, and needs no context for it.
 * Letting go of one stays everybody's: drivers do so at the end of a session.
 */
const WITHHELD = {
  largeObjects: "^(lo_|loread$|lowrite$)",
  advisoryLocks: "^pg_(try_)?advisory_(xact_)?lock(_shared)?$",
} as const;

/** Signatures of those that are still everybody's. */
export type Withheld = Record<keyof typeof WITHHELD, string[]>;

export async function readWithheld(connection: PostgresConnection): Promise<Withheld> {
  const read = async (names: string) => {
    const rows = await connection.query<{ signature: string }>(
      `SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature
       FROM pg_catalog.pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
       WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ $1 AND a.grantee = 0
       ORDER BY 1`,
      [names],
    );
    return rows.map(({ signature }) => signature);
  };
  return {
    largeObjects: await read(WITHHELD.largeObjects),
    advisoryLocks: await read(WITHHELD.advisoryLocks),
  };
}

export function withholdStatements({ largeObjects, advisoryLocks }: Withheld): string[] {
  return [...largeObjects, ...advisoryLocks].map(
    (signature) => `REVOKE EXECUTE ON FUNCTION pg_catalog.${signature} FROM PUBLIC`,
  );
}
