CREATE OR REPLACE FUNCTION maintain_logs() RETURNS TABLE (partition text, event text)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '5s'
AS $$
  SELECT * FROM internal.maintain_log('public.audit_logs', 'created_at', interval '7 years');
$$;

CREATE OR REPLACE FUNCTION internal.maintain_log(log regclass, time_column name, keep interval)
RETURNS TABLE (partition text, event text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
  log_name CONSTANT text := (SELECT relname FROM pg_class WHERE oid = log);
  rest CONSTANT text := format('internal.%I', log_name || '_default');
  month timestamptz;
  oldest timestamptz;
BEGIN
  -- One at a time; a second one finds the work done.
  PERFORM pg_advisory_xact_lock(hashtext('maintain_log'), hashtext(log_name));
  EXECUTE format('SELECT min(%I) FROM %s', time_column, rest) INTO oldest;
  FOR month IN SELECT generate_series(
    date_trunc('month', least(oldest, now())), date_trunc('month', now()) + interval '3 months', interval '1 month')
  LOOP
    partition := log_name || to_char(month, '"_y"YYYY"m"MM');
    CONTINUE WHEN to_regclass(format('internal.%I', partition)) IS NOT NULL;
    EXECUTE format('CREATE TABLE internal.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, log);
    EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %I >= $1 AND %2$I < $2 RETURNING *)
      INSERT INTO internal.%3$I SELECT * FROM moved', rest, time_column, partition)
      USING month, month + interval '1 month';
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION internal.%I FOR VALUES FROM (%L) TO (%L)',
      log, partition, month, month + interval '1 month');
    event := 'made';
    RETURN NEXT;
  END LOOP;
  FOR partition, month IN
    SELECT child.relname, to_date(right(child.relname, 7), 'YYYY"m"MM')::timestamptz
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = log AND child.relname ~ '_y\d{4}m\d{2}$'
    ORDER BY child.relname
  LOOP
    CONTINUE WHEN month + interval '1 month' > now() - keep;
    EXECUTE format('DROP TABLE internal.%I', partition);
    event := 'dropped';
    RETURN NEXT;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION purge_deleted() RETURNS TABLE (table_name text, purged bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.demand_context('public.users');
  FOREACH table_name IN ARRAY ARRAY['organization_memberships', 'organizations', 'users'] LOOP
    EXECUTE format('DELETE FROM public.%I WHERE deleted_at <= now() - interval ''7 years''', table_name);
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN NEXT;
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION internal.refuse_own_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.role IS NOT DISTINCT FROM OLD.role THEN
    RETURN NEW;
  END IF;
  IF row_security_active(TG_RELID) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'a role is given in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.user_id IS NOT DISTINCT FROM context.subject() THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
DROP TRIGGER organization_memberships_guard ON organization_memberships;

DROP TRIGGER api_keys_revoked ON api_keys;
DROP FUNCTION internal.stamp_revocation();
DROP TRIGGER mcp_servers_deleted ON mcp_servers;
DROP TRIGGER mcp_servers_born_deleted ON mcp_servers;
DROP TRIGGER organization_memberships_deleted ON organization_memberships;
DROP TRIGGER organization_memberships_born_deleted ON organization_memberships;
DROP TRIGGER users_deleted ON users;
DROP TRIGGER users_born_deleted ON users;
DROP TRIGGER organizations_deleted ON organizations;
DROP TRIGGER organizations_born_deleted ON organizations;
DROP FUNCTION internal.stamp_deletion();
ALTER TABLE audit_logs ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE organization_services DROP CONSTRAINT organization_services_configuration_depth_check;
ALTER TABLE sessions DROP CONSTRAINT sessions_metadata_depth_check;
ALTER TABLE organizations DROP CONSTRAINT organizations_metadata_depth_check;

CREATE OR REPLACE FUNCTION internal.write_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  personal CONSTANT text[] := string_to_array(coalesce(TG_ARGV[0], ''), ',');
  unimportant CONSTANT text[] := string_to_array(coalesce(TG_ARGV[1], ''), ',') || 'updated_at'::text;
  before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  whole CONSTANT jsonb := coalesce(after_row, before_row);
  changed text[];
  kept text[];
  event text := TG_OP;
  client CONSTANT text := nullif(current_setting('request.ip_address', true), '');
  address inet;
BEGIN
  SELECT array_agg(key) INTO kept FROM jsonb_object_keys(whole) key;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(key), '{}') INTO changed FROM unnest(kept) key
      WHERE key <> ALL (unimportant) AND after_row -> key IS DISTINCT FROM before_row -> key;
    IF changed = '{}' THEN
      RETURN NULL;
    END IF;
    -- Keys stay, changed or not: they say which row it was.
    SELECT array_agg(key) INTO kept FROM unnest(kept) key WHERE key = ANY (changed) OR key = 'id' OR key ~ '_id$';
    event := CASE
      WHEN 'anonymized_at' = ANY (changed) AND before_row ->> 'anonymized_at' IS NULL THEN 'ANONYMIZE'
      WHEN 'deleted_at' = ANY (changed) AND before_row ->> 'deleted_at' IS NULL THEN 'SOFT_DELETE'
      WHEN 'deleted_at' = ANY (changed) AND after_row ->> 'deleted_at' IS NULL THEN 'RESTORE'
      ELSE 'UPDATE' END;
  END IF;

  SELECT
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND before_row -> key <> 'null' THEN '"[personal]"' ELSE before_row -> key END)
      FILTER (WHERE before_row IS NOT NULL),
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND after_row -> key <> 'null' THEN '"[personal]"' ELSE after_row -> key END)
      FILTER (WHERE after_row IS NOT NULL)
    INTO before_row, after_row FROM unnest(kept) key;

  -- A statement of its own: inside of a CASE the planner would try the cast before the condition.
  IF pg_input_is_valid(client, 'inet') THEN
    address := client;
  END IF;
  INSERT INTO public.audit_logs
    (organization_id, user_id, action, target_table, target_id, old_value, new_value, ip_address, user_agent)
  VALUES (
    (CASE WHEN TG_TABLE_NAME = 'organizations' THEN whole ->> 'id' ELSE whole ->> 'organization_id' END)::uuid,
    context.subject(),
    event,
    TG_TABLE_NAME,
    (whole ->> 'id')::uuid,
    internal.without_secrets(before_row),
    internal.without_secrets(after_row),
    address,
    left(nullif(current_setting('request.user_agent', true), ''), 512));
  RETURN NULL;
END
$$;
DROP FUNCTION internal.without_secrets(jsonb, integer);
CREATE FUNCTION internal.without_secrets(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN (
      SELECT coalesce(jsonb_object_agg(entry.key, CASE
        WHEN entry.value = 'null' THEN entry.value
        WHEN entry.key ~* '(passw|secret|token|credential|authori[sz]ation|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$)'
          THEN '"[secret]"'
        ELSE internal.without_secrets(entry.value) END), '{}')
      FROM jsonb_each(value) entry)
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(internal.without_secrets(item.value) ORDER BY item.ordinality), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY item)
    ELSE value END;
END
$$;
