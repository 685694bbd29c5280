CREATE OR REPLACE FUNCTION team_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage u WHERE u.team_id = team;
END
$$;

CREATE OR REPLACE FUNCTION all_server_usage() RETURNS SETOF server_usage
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage WHERE context.role() IS NOT NULL;
END
$$;
