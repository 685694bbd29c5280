-- EXECUTE is asked for when a statement is planned, and a role may change before the function runs: so it asks whose context it is.

CREATE OR REPLACE FUNCTION team_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage u WHERE u.team_id = team AND context.role() = 'mcp_portal_admin';
END
$$;

CREATE OR REPLACE FUNCTION all_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage WHERE context.role() = 'mcp_portal_superadmin';
END
$$;
