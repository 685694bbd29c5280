import type { PostgresConnection } from "../../connect/postgres";

export type KeyState = "active" | "retiring" | "retired";

export interface StoredKey {
  version: number;
  state: KeyState;
  /** Fingerprint of the wrapping key. */
  wrappedWith: string;
  /** undefined: retired, and destroyed with it. */
  wrapped: Buffer | undefined;
  createdAt: Date;
  retiredAt: Date | undefined;
  /** Settings sealed under it. */
  settings: number;
}

/** One setting under an old version, locked until the transaction ends. */
export interface OldSetting {
  id: string;
  team: string;
}

/** Keys of one team, as the database takes them. */
export interface TeamKeys {
  team: string;
  from: Buffer;
  to: Buffer;
}

const bytes = (buffer: Buffer) => `\\x${buffer.toString("hex")}`;

interface KeyRow {
  [column: string]: unknown;
  version: number;
  state: KeyState;
  wrapped_with: string;
  wrapped_key: Buffer | null;
  created_at: Date;
  retired_at: Date | null;
  settings: string;
}

/** All versions, oldest first. */
export async function readKeys(connection: PostgresConnection): Promise<StoredKey[]> {
  const rows = await connection.query<KeyRow>(
    `SELECT k.version, k.state, k.wrapped_with, k.wrapped_key, k.created_at, k.retired_at, coalesce(c.settings, 0) AS settings
     FROM public.encryption_keys k
     LEFT JOIN (SELECT key_version, count(*) AS settings FROM public.user_server_configs
       WHERE key_version IS NOT NULL GROUP BY key_version) c ON c.key_version = k.version
     ORDER BY k.version`,
  );
  return rows.map((row) => ({
    version: row.version,
    state: row.state,
    wrappedWith: row.wrapped_with,
    wrapped: row.wrapped_key ?? undefined,
    createdAt: row.created_at,
    retiredAt: row.retired_at ?? undefined,
    settings: Number(row.settings),
  }));
}

/** The active key, if there is one, is used for opening only from here on. */
export async function retireActive(connection: PostgresConnection): Promise<void> {
  await connection.query(
    "UPDATE public.encryption_keys SET state = 'retiring', rotated_at = now() WHERE state = 'active'",
  );
}

export async function addKey(
  connection: PostgresConnection,
  key: { version: number; wrappedWith: string; wrapped: Buffer },
): Promise<void> {
  await connection.query(
    "INSERT INTO public.encryption_keys (version, wrapped_with, wrapped_key) VALUES ($1, $2, $3::bytea)",
    [key.version, key.wrappedWith, bytes(key.wrapped)],
  );
}

/** Waits for writers that hold one of them; the locks last until the end of the transaction. */
export async function lockOldSettings(
  connection: PostgresConnection,
  version: number,
  most: number,
  except: readonly string[],
): Promise<OldSetting[]> {
  return connection.query<{ id: string; team: string }>(
    `SELECT id, team_id AS team FROM public.user_server_configs
     WHERE key_version = $1 AND id <> ALL ($2::uuid[])
     ORDER BY team_id, id LIMIT $3 FOR NO KEY UPDATE`,
    [version, [...except], most],
  );
}

/** Seals settings that are locked anew. SQLSTATE XX001 where one does not open. Answers how many. */
export async function reseal(
  connection: PostgresConnection,
  settings: readonly string[],
  versions: { from: number; to: number },
  keys: readonly TeamKeys[],
): Promise<number> {
  const rows = await connection.query(
    `UPDATE public.user_server_configs c
     SET encrypted_config = public.seal_secret(
           public.open_secret(c.encrypted_config, k.old_key, c.id, c.key_version), k.new_key, c.id, $3),
         key_version = $3
     FROM unnest($4::uuid[], $5::bytea[], $6::bytea[]) AS k (team_id, old_key, new_key)
     WHERE c.id = ANY ($1::uuid[]) AND c.key_version = $2 AND c.team_id = k.team_id
     RETURNING c.id`,
    [
      [...settings],
      versions.from,
      versions.to,
      keys.map(({ team }) => team),
      keys.map(({ from }) => bytes(from)),
      keys.map(({ to }) => bytes(to)),
    ],
  );
  return rows.length;
}

/** Destroys a version. SQLSTATE 23503 where a setting still needs it. */
export async function retireKey(connection: PostgresConnection, version: number): Promise<void> {
  await connection.query(
    `UPDATE public.encryption_keys SET state = 'retired', wrapped_key = NULL, retired_at = now()
     WHERE version = $1`,
    [version],
  );
}
