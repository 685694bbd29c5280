-- What somebody with a context, or with none, could do to the upkeep and to the log.

-- A session that a user's open transaction holds is left for the next time; the others go. What is locked is asked as an update is:
-- the owner's rule says so.
CREATE OR REPLACE FUNCTION internal.clean_sessions(batch integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  gone bigint;
BEGIN
  WITH expired AS MATERIALIZED (
    SELECT id FROM public.user_sessions WHERE expires_at < now() LIMIT batch FOR UPDATE SKIP LOCKED
  ), idle AS MATERIALIZED (
    SELECT id FROM public.user_sessions
      WHERE is_active AND last_activity < now() - interval '30 minutes' LIMIT batch FOR UPDATE SKIP LOCKED
  )
  DELETE FROM public.user_sessions s USING (SELECT id FROM expired UNION SELECT id FROM idle) ended
    WHERE s.id = ended.id;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

-- The size of the text, for that of a value that is compressed says nothing of what is kept. EXECUTE is asked for when a statement is
-- planned: whose context it is when the function runs, it asks itself.
CREATE OR REPLACE FUNCTION record_event(event audit_action, on_type text, on_resource uuid, more jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  IF context.subject() IS NULL
    OR coalesce(context.role(), '') NOT IN ('mcp_portal_member', 'mcp_portal_admin', 'mcp_portal_superadmin') THEN
    RAISE EXCEPTION 'no valid context' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF event NOT IN ('config_exported', 'config_imported', 'bulk_enable', 'bulk_disable') THEN
    RAISE EXCEPTION '% is recorded by the change itself', event USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF length(on_type) > 63 OR octet_length(more::text) > 8192 THEN
    RAISE EXCEPTION 'the event is longer than 8 kB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  IF jsonb_path_exists(more, '$.**{33}') THEN
    RAISE EXCEPTION 'the event is nested more than 32 levels deep' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  PERFORM internal.append_audit(event, team, on_type, on_resource, NULL, NULL, more);
END
$$;

-- Each level of nesting costs a level of the server's stack wherever a value is read, so what is written has an end. NOT VALID: what
-- is there already stays readable, and is refused when it is next written.
ALTER TABLE users ADD CONSTRAINT users_metadata_depth_check
  CHECK (NOT jsonb_path_exists(metadata, '$.**{33}')) NOT VALID;
ALTER TABLE mcp_servers ADD CONSTRAINT mcp_servers_metadata_depth_check
  CHECK (NOT jsonb_path_exists(metadata, '$.**{33}')) NOT VALID;
ALTER TABLE user_server_configs ADD CONSTRAINT user_server_configs_config_metadata_depth_check
  CHECK (NOT jsonb_path_exists(config_metadata, '$.**{33}')) NOT VALID;
