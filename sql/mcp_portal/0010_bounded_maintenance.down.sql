ALTER TABLE user_server_configs DROP CONSTRAINT user_server_configs_config_metadata_depth_check;
ALTER TABLE mcp_servers DROP CONSTRAINT mcp_servers_metadata_depth_check;
ALTER TABLE users DROP CONSTRAINT users_metadata_depth_check;

CREATE OR REPLACE FUNCTION record_event(event audit_action, on_type text, on_resource uuid, more jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  IF context.subject() IS NULL THEN
    RAISE EXCEPTION 'no valid context' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF event NOT IN ('config_exported', 'config_imported', 'bulk_enable', 'bulk_disable') THEN
    RAISE EXCEPTION '% is recorded by the change itself', event USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF length(on_type) > 63 OR pg_column_size(more) > 8192 THEN
    RAISE EXCEPTION 'the event is longer than 8 kB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  PERFORM internal.append_audit(event, team, on_type, on_resource, NULL, NULL, more);
END
$$;

CREATE OR REPLACE FUNCTION internal.clean_sessions(batch integer DEFAULT 10000) RETURNS bigint
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
