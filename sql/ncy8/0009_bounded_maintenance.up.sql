-- What somebody with a context, or with none, could do to the upkeep, to the guards and to the trail.

-- Takes out what must never enter the trail: a value whose name speaks of a secret. What is nested deeper than `levels` goes as a
-- whole: each level takes of the server's stack, and a row that cannot be told of could be neither changed nor purged.
DROP FUNCTION internal.without_secrets(jsonb);
CREATE FUNCTION internal.without_secrets(value jsonb, levels integer) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF levels = 0 AND jsonb_typeof(value) IN ('object', 'array') THEN
    RETURN '"[too deep]"';
  END IF;
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN (
      SELECT coalesce(jsonb_object_agg(entry.key, CASE
        WHEN entry.value = 'null' THEN entry.value
        WHEN entry.key ~* '(passw|secret|token|credential|authori[sz]ation|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$)'
          THEN '"[secret]"'
        ELSE internal.without_secrets(entry.value, levels - 1) END), '{}')
      FROM jsonb_each(value) entry)
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(internal.without_secrets(item.value, levels - 1) ORDER BY item.ordinality), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY item)
    ELSE value END;
END
$$;

-- Trigger arguments: columns with personal data (written as [personal], so that erasing a person never has to change this
-- trail) and columns whose change alone is not worth a row; each a list with commas.
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
    internal.without_secrets(before_row, 40),
    internal.without_secrets(after_row, 40),
    address,
    left(nullif(current_setting('request.user_agent', true), ''), 512));
  RETURN NULL;
END
$$;

-- NOT VALID: what is there already stays readable, and is refused when it is next written.
ALTER TABLE organizations ADD CONSTRAINT organizations_settings_depth_check
  CHECK (NOT jsonb_path_exists(settings, '$.**{33}')) NOT VALID;
ALTER TABLE user_preferences ADD CONSTRAINT user_preferences_preferences_depth_check
  CHECK (NOT jsonb_path_exists(preferences, '$.**{33}')) NOT VALID;
ALTER TABLE projects ADD CONSTRAINT projects_settings_depth_check
  CHECK (NOT jsonb_path_exists(settings, '$.**{33}')) NOT VALID;
ALTER TABLE tasks ADD CONSTRAINT tasks_metadata_depth_check
  CHECK (NOT jsonb_path_exists(metadata, '$.**{33}')) NOT VALID;

-- When the row was written, however long its transaction has been open.
ALTER TABLE audit_logs ALTER COLUMN created_at SET DEFAULT clock_timestamp();

-- When a row was deleted is when it was deleted, and not what somebody says: the purge goes by it. Whoever may set it back to NULL
-- restores the row.
CREATE FUNCTION internal.stamp_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.deleted_at := coalesce(CASE WHEN TG_OP = 'UPDATE' THEN OLD.deleted_at END, clock_timestamp());
  RETURN NEW;
END
$$;
CREATE TRIGGER users_born_deleted BEFORE INSERT ON users
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER users_deleted BEFORE UPDATE ON users FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER organizations_born_deleted BEFORE INSERT ON organizations
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER organizations_deleted BEFORE UPDATE ON organizations FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER organization_members_born_deleted BEFORE INSERT ON organization_members
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER organization_members_deleted BEFORE UPDATE ON organization_members FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER teams_born_deleted BEFORE INSERT ON teams
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER teams_deleted BEFORE UPDATE ON teams FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER team_members_born_deleted BEFORE INSERT ON team_members
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER team_members_deleted BEFORE UPDATE ON team_members FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER projects_born_deleted BEFORE INSERT ON projects
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER projects_deleted BEFORE UPDATE ON projects FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER tasks_born_deleted BEFORE INSERT ON tasks
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION internal.stamp_deletion();
CREATE TRIGGER tasks_deleted BEFORE UPDATE ON tasks FOR EACH ROW
  WHEN (NEW.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
  EXECUTE FUNCTION internal.stamp_deletion();

-- Which columns a role may write is granted; that nobody raises themselves, and that an organisation changes its owner through the
-- service alone, depends on the row, and not on which column was named: a membership that is restored, or moved to somebody, is given
-- as one that is made, and one that ends is taken. Its address comes by the foreign key.
CREATE OR REPLACE FUNCTION internal.guard_member_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  acting CONSTANT text := coalesce(context.role(), CASE WHEN NOT row_security_active(TG_RELID) THEN 'svc_ncy8' END);
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.user_id, NEW.role, NEW.deleted_at)
      IS NOT DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role, OLD.deleted_at) THEN
    RETURN NEW;
  END IF;
  IF acting IS NULL THEN
    RAISE EXCEPTION 'a role is given or taken in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.user_id IS NOT DISTINCT FROM context.subject() AND (TG_OP = 'INSERT' OR NEW.deleted_at IS NULL
      OR (NEW.organization_id, NEW.user_id, NEW.role) IS DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role)) THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF acting IS DISTINCT FROM 'svc_ncy8'
    AND ((TG_OP <> 'INSERT' AND OLD.role = 'OWNER') OR (TG_OP <> 'DELETE' AND NEW.role = 'OWNER')) THEN
    RAISE EXCEPTION 'only the service changes who owns an organisation' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER organization_members_guard BEFORE UPDATE OR DELETE ON organization_members
  FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role();

-- A grant that is made another's is a grant. Otherwise who made it stays: the foreign key alone takes out who is no member any more.
CREATE OR REPLACE FUNCTION internal.sign_grant() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  subject CONSTANT uuid := context.subject();
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.user_id, NEW.role_id)
      IS NOT DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role_id) THEN
    IF row_security_active(TG_RELID) THEN
      NEW.granted_by := OLD.granted_by;
    END IF;
    RETURN NEW;
  END IF;
  IF row_security_active(TG_RELID) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'a role is given in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.user_id IS NOT DISTINCT FROM subject THEN
    RAISE EXCEPTION 'nobody grants a role to themselves' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.granted_by := coalesce(subject, NEW.granted_by);
  RETURN NEW;
END
$$;
CREATE TRIGGER user_roles_granted_again BEFORE UPDATE ON user_roles
  FOR EACH ROW EXECUTE FUNCTION internal.sign_grant();

-- The notes of backups are written in a context, as everything else.
CREATE OR REPLACE FUNCTION delete_expired_backup_snapshots() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.backup_snapshots');
  DELETE FROM public.backup_snapshots WHERE id IN (
    SELECT id FROM public.backup_snapshots WHERE created_at <= now() - interval '30 days' FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

-- Rows deleted 7 years ago go for good, and with an organisation everything that is its own. A user who still owns an
-- organisation stays until that goes. One after the
-- other: a row that somebody's open transaction holds, or that cannot go, stays for the next time and stops no other.
CREATE OR REPLACE FUNCTION purge_deleted() RETURNS TABLE (table_name text, purged bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
  place tid;
  went bigint;
BEGIN
  PERFORM public.demand_context('public.users');
  FOREACH table_name IN ARRAY ARRAY[
    'tasks', 'team_members', 'teams', 'projects', 'organization_members', 'organizations', 'users']
  LOOP
    purged := 0;
    FOR place IN EXECUTE format('SELECT ctid FROM public.%I gone WHERE deleted_at <= now() - interval ''7 years''', table_name)
        || CASE WHEN table_name = 'users'
          THEN ' AND NOT EXISTS (SELECT FROM public.organizations WHERE owner_id = gone.id)' ELSE '' END
        || ' FOR UPDATE SKIP LOCKED'
    LOOP
      BEGIN
        EXECUTE format('DELETE FROM public.%I WHERE ctid = $1', table_name) USING place;
        GET DIAGNOSTICS went = ROW_COUNT;
        purged := purged + went;
      EXCEPTION
        -- The context has ended, or is another one: nothing else would go either.
        WHEN insufficient_privilege THEN RAISE;
        WHEN OTHERS THEN RAISE WARNING 'a row of % stays: error %', table_name, SQLSTATE;
      END;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END
$$;

-- Makes the months of one log from its oldest row without a month to three ahead, and drops those past their retention.
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
  -- One at a time; a second one finds the work done. Nobody else can lock what is in this schema, nor does a lock of its log conflict.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', rest);
  -- A time that somebody made up makes no months.
  EXECUTE format('DELETE FROM %s WHERE %I < $1', rest, time_column)
    USING date_trunc('month', now() - keep);
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

-- How long a log is kept stands here and is no parameter: whoever may call this must not be able to empty the trail. EXECUTE is asked
-- for when a statement is planned, and of no context: so it asks itself. An operator needs none.
CREATE OR REPLACE FUNCTION maintain_logs() RETURNS TABLE (partition text, event text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '5s'
AS $$
BEGIN
  IF current_setting('is_superuser') = 'off' AND context.role() IS DISTINCT FROM 'svc_ncy8' THEN
    RAISE EXCEPTION 'the months are made in a signed context of the service' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN QUERY SELECT * FROM internal.maintain_log('public.audit_logs', 'created_at', interval '7 years');
  RETURN QUERY SELECT * FROM internal.maintain_log('public.error_logs', 'created_at', interval '90 days');
  RETURN QUERY SELECT * FROM internal.maintain_log('public.access_logs', 'timestamp', interval '90 days');
END
$$;
