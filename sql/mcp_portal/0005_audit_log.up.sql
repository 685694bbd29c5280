-- Months are partitions in schema `internal`, made ahead by make_audit_partitions(). What comes without one falls into the
-- default partition and not into an error: the audit log must never stop the portal.
-- No foreign keys: the log outlives users, teams and servers.
CREATE TABLE audit_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- NULL: an event of the whole portal, such as a change of the predefined catalogue.
  team_id uuid,
  -- From the signed context; NULL: work without one (maintenance, migrations, the admin).
  actor_id uuid,
  actor_role text NOT NULL,
  login text NOT NULL,
  action audit_action NOT NULL,
  resource_type text NOT NULL,
  resource_id uuid,
  -- Changed columns only; a column that is secret shows as [redacted].
  old_values jsonb,
  new_values jsonb,
  details jsonb,
  -- As the service says; no proof.
  ip_address inet,
  user_agent text,
  session_id uuid,
  PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);

CREATE TABLE internal.audit_logs_default PARTITION OF audit_logs DEFAULT;

-- Policy and query "the team's log, newest first".
CREATE INDEX audit_logs_team_idx ON audit_logs (team_id, occurred_at DESC);
-- Query "what this user did, newest first", with or without one action.
CREATE INDEX audit_logs_actor_idx ON audit_logs (actor_id, action, occurred_at DESC);
-- Query "the history of this thing".
CREATE INDEX audit_logs_resource_idx ON audit_logs (resource_id, occurred_at DESC);
-- Query "what was changed to or from this" (new_values @> ...), of an inquiry.
CREATE INDEX audit_logs_new_values_idx ON audit_logs USING gin (new_values jsonb_path_ops);
-- Query "events of all teams in the last 24 hours, by action": rows come in time's order, so a few pages tell.
CREATE INDEX audit_logs_time_idx ON audit_logs USING brin (occurred_at) WITH (pages_per_range = 32, autosummarize = on);

-- Who, for everything that writes here. Works inside SECURITY DEFINER functions: the role is the one that was set. What
-- the service says of its client is kept as far as it can be read; it never makes a change fail.
CREATE FUNCTION internal.append_audit(
  of_action audit_action, of_team uuid, of_type text, of_resource uuid, before jsonb, after jsonb, more jsonb
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  actor uuid;
  role_name text;
  address inet;
  session uuid;
BEGIN
  -- Not in one CASE with the check: the planner would try the value before it is checked.
  IF pg_input_is_valid(current_setting('app.client_address', true), 'inet') THEN
    address := current_setting('app.client_address');
  END IF;
  IF pg_input_is_valid(current_setting('app.session_id', true), 'uuid') THEN
    session := current_setting('app.session_id');
  END IF;
  -- The schema `context` comes with the row security, which is declared and not migrated.
  IF to_regprocedure('context.subject()') IS NOT NULL THEN
    EXECUTE 'SELECT context.subject(), context.role()' INTO actor, role_name;
  END IF;
  INSERT INTO public.audit_logs (team_id, actor_id, actor_role, login, action, resource_type, resource_id,
    old_values, new_values, details, ip_address, user_agent, session_id)
  VALUES (of_team, actor,
    coalesce(role_name, nullif(current_setting('role', true), 'none'), session_user), session_user,
    of_action, of_type, of_resource, before, after, more,
    address, left(nullif(current_setting('app.user_agent', true), ''), 1000), session);
END
$$;

CREATE FUNCTION internal.action_of(table_name text, operation text, before jsonb, after jsonb) RETURNS audit_action
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (CASE table_name
    WHEN 'users' THEN CASE operation
      WHEN 'INSERT' THEN 'user_created'
      WHEN 'DELETE' THEN 'user_deleted'
      ELSE CASE WHEN after ? 'role' THEN 'role_changed' ELSE 'user_updated' END END
    WHEN 'teams' THEN CASE operation
      WHEN 'INSERT' THEN 'team_created' WHEN 'DELETE' THEN 'team_deleted' ELSE 'team_updated' END
    WHEN 'team_members' THEN CASE operation
      WHEN 'INSERT' THEN 'member_added' WHEN 'DELETE' THEN 'member_removed' ELSE 'role_changed' END
    WHEN 'mcp_servers' THEN CASE
      WHEN coalesce(after, before) ->> 'catalog_type' = 'predefined' THEN 'catalog_changed'
      WHEN operation = 'INSERT' THEN 'custom_server_added'
      WHEN operation = 'DELETE' THEN 'custom_server_removed'
      ELSE 'server_updated' END
    WHEN 'user_server_configs' THEN CASE
      WHEN operation = 'INSERT' THEN 'config_created'
      WHEN operation = 'DELETE' THEN 'config_deleted'
      WHEN after ? 'enabled' THEN CASE after ->> 'enabled' WHEN 'true' THEN 'server_enabled' ELSE 'server_disabled' END
      WHEN after ? 'key_version' AND after - '{key_version,encrypted_config}'::text[] = '{}'
        AND before -> 'key_version' <> 'null' AND after -> 'key_version' <> 'null' THEN 'config_reencrypted'
      ELSE 'config_updated' END
    WHEN 'user_sessions' THEN CASE
      WHEN operation = 'INSERT' THEN 'login'
      WHEN operation = 'UPDATE' THEN 'logout'
      WHEN (before ->> 'expires_at')::timestamptz < now()
        OR (before ->> 'last_activity')::timestamptz < now() - interval '30 minutes' THEN 'session_expired'
      ELSE 'logout' END
    WHEN 'encryption_keys' THEN CASE
      WHEN operation = 'INSERT' THEN 'key_created'
      WHEN after ->> 'state' = 'retiring' THEN 'key_rotated'
      ELSE 'key_retired' END
  END)::public.audit_action
$$;

-- Arguments: column that identifies the row; column of its team ('' for none); columns that are secret; columns that are not
-- worth a line. The latter two separated by commas.
CREATE FUNCTION internal.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whole jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - string_to_array(TG_ARGV[3], ',') END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - string_to_array(TG_ARGV[3], ',') END;
  action public.audit_action;
  same text[];
  secret text;
BEGIN
  action := CASE WHEN TG_OP <> 'UPDATE' THEN
    internal.action_of(TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW)) END;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(key), '{}') INTO same FROM jsonb_each(before) WHERE after -> key = value;
    before := before - same;
    after := after - same;
    IF after = '{}' THEN
      RETURN NULL;
    END IF;
    action := internal.action_of(TG_TABLE_NAME, TG_OP, before, after);
    -- The unchanged type of the server is not among what changed.
    IF action = 'server_updated' AND whole ->> 'catalog_type' = 'predefined' THEN
      action := 'catalog_changed';
    END IF;
  END IF;
  FOREACH secret IN ARRAY string_to_array(TG_ARGV[2], ',') LOOP
    IF before -> secret <> 'null' THEN
      before := jsonb_set(before, ARRAY[secret], '"[redacted]"');
    END IF;
    IF after -> secret <> 'null' THEN
      after := jsonb_set(after, ARRAY[secret], '"[redacted]"');
    END IF;
  END LOOP;
  PERFORM internal.append_audit(action, (whole ->> nullif(TG_ARGV[1], ''))::uuid, TG_TABLE_NAME,
    (whole ->> nullif(TG_ARGV[0], ''))::uuid, before, after, NULL);
  RETURN NULL;
END
$$;

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON teams FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('id', 'id', '', 'updated_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('id', 'team_id', '', 'updated_at,last_login_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON team_members FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('user_id', 'team_id', '', 'updated_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON mcp_servers FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('id', 'team_id', '', 'updated_at,search,catalog_team_id');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON user_server_configs FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('id', 'team_id', 'encrypted_config', 'updated_at,catalog_team_id,key_usable');
-- Every request moves last_activity: the log holds who came and went.
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF is_active ON user_sessions FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('id', 'team_id', 'token_hash,refresh_token_hash', '');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON encryption_keys FOR EACH ROW
  EXECUTE FUNCTION internal.record_change('', '', 'wrapped_key', 'usable');

-- Append-only for the owner and the admin as well.
CREATE FUNCTION internal.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW
  EXECUTE FUNCTION internal.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT
  EXECUTE FUNCTION internal.refuse_change();

-- What no row shows: an export is a read, a bulk action is many rows. The actor is the context's, never an argument.
CREATE FUNCTION record_event(event audit_action, on_type text, on_resource uuid, more jsonb) RETURNS void
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
