-- Each reads as whoever asks: row security applies to what they count.
CREATE VIEW user_dashboard WITH (security_invoker = true) AS
SELECT u.id AS user_id, u.team_id, u.email, u.display_name, u.role,
  count(c.id) AS total_servers,
  count(c.id) FILTER (WHERE c.enabled) AS enabled_servers,
  count(c.id) FILTER (WHERE c.container_state = 'running') AS running_servers
FROM users u
LEFT JOIN user_server_configs c ON c.user_id = u.id AND c.team_id = u.team_id
GROUP BY u.id;

CREATE VIEW server_statistics WITH (security_invoker = true) AS
SELECT s.id AS server_id, s.team_id, s.name, s.catalog_type,
  count(DISTINCT c.user_id) AS total_users,
  count(DISTINCT c.user_id) FILTER (WHERE c.enabled) AS active_users,
  count(DISTINCT c.user_id) FILTER (WHERE c.container_state = 'running') AS running_instances
FROM mcp_servers s
LEFT JOIN user_server_configs c ON c.server_id = s.id AND c.catalog_team_id = s.catalog_team_id
GROUP BY s.id;

-- A materialised view knows no row security: it is granted to nobody, and read through the two functions below.
CREATE MATERIALIZED VIEW server_usage AS
SELECT c.team_id, c.server_id,
  count(*) AS users,
  count(*) FILTER (WHERE c.enabled) AS active_users,
  count(*) FILTER (WHERE c.container_state = 'running') AS running_instances,
  max(c.updated_at) AS last_change,
  now() AS refreshed_at
FROM user_server_configs c
GROUP BY c.team_id, c.server_id;
-- REFRESH .. CONCURRENTLY needs it; query "usage in this team" (team_server_usage). The view is new.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX server_usage_key ON server_usage (team_id, server_id);

-- After a restore of the schema alone it cannot be concurrent: nothing is in it yet.
CREATE FUNCTION internal.refresh_server_usage() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT relispopulated FROM pg_class WHERE oid = 'public.server_usage'::regclass) THEN
    REFRESH MATERIALIZED VIEW CONCURRENTLY public.server_usage;
  ELSE
    REFRESH MATERIALIZED VIEW public.server_usage;
  END IF;
END
$$;

-- For a team's admin: the team of the signed context and no other.
CREATE FUNCTION team_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage u WHERE u.team_id = team;
END
$$;

-- For the portal's own administration: every team.
CREATE FUNCTION all_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage WHERE context.role() IS NOT NULL;
END
$$;

-- @@ and @> are not leakproof: under a policy their indexes go unused. So the search runs as the owner and applies the rule of
-- the policy itself: the predefined catalogue, and the custom servers of the context's team. Empty words: all, by name.
CREATE FUNCTION search_servers(words text, with_tags text[] DEFAULT '{}', most integer DEFAULT 50)
RETURNS TABLE (id uuid, team_id uuid, name text, display_name text, description text, tags text[], rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
  wanted tsquery := websearch_to_tsquery('pg_catalog.english', words);
BEGIN
  IF context.role() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT s.id, s.team_id, s.name, s.display_name, s.description, s.tags, ts_rank(s.search, wanted)
    FROM public.mcp_servers s
    WHERE s.is_active AND (s.team_id IS NULL OR s.team_id = team)
      AND (words = '' OR s.search @@ wanted) AND (with_tags = '{}' OR s.tags @> with_tags)
    ORDER BY ts_rank(s.search, wanted) DESC, s.name
    LIMIT least(most, 200);
END
$$;
