-- Hashes only: SHA-256 of tokens of 256 random bits. Whoever reads this table cannot take over a session.
CREATE TABLE user_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id uuid NOT NULL,
  user_id uuid NOT NULL,
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  refresh_token_hash bytea UNIQUE CHECK (octet_length(refresh_token_hash) = 32),
  ip_address inet,
  user_agent text CHECK (length(user_agent) <= 1000),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_activity timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  CONSTRAINT user_sessions_expires_later CHECK (expires_at > created_at),
  CONSTRAINT user_sessions_member_fkey
    FOREIGN KEY (team_id, user_id) REFERENCES team_members (team_id, user_id) ON DELETE CASCADE
);

-- Policy and foreign key, and query "sessions of this member".
CREATE INDEX user_sessions_member_idx ON user_sessions (team_id, user_id);
-- Query "active sessions of each user".
CREATE INDEX user_sessions_active_idx ON user_sessions (user_id, expires_at) WHERE is_active;
-- Query "sessions past their end" (clean_sessions).
CREATE INDEX user_sessions_expires_idx ON user_sessions (expires_at);
-- Query "sessions idle for half an hour" (clean_sessions).
CREATE INDEX user_sessions_idle_idx ON user_sessions (last_activity) WHERE is_active;

-- Removes what has ended: past its end, or idle for 30 minutes. Answers how many went. The batch keeps locks short.
CREATE FUNCTION internal.clean_sessions(batch integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  WITH ended AS (
    (SELECT id FROM public.user_sessions WHERE expires_at < now() LIMIT batch)
    UNION
    (SELECT id FROM public.user_sessions
      WHERE is_active AND last_activity < now() - interval '30 minutes' LIMIT batch)
  )
  DELETE FROM public.user_sessions s USING ended WHERE s.id = ended.id
    AND (s.expires_at < now() OR (s.is_active AND s.last_activity < now() - interval '30 minutes'));
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;
