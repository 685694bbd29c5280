-- What the service runs once a day. Clean-up of rows works with the service's own rights and its signed context; only the
-- partitions of the log need the owner's.

-- Row security would let a clean-up without a context find nothing, and say so politely, every day.
CREATE FUNCTION demand_context(guarded regclass) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF row_security_active(guarded) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'clean-up needs a signed context of its role' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

-- Sessions past their end. Answers how many went; less than `batch`: there are no more. The batch keeps locks short.
CREATE FUNCTION delete_expired_sessions(batch integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.sessions');
  DELETE FROM public.sessions WHERE id IN (
    SELECT id FROM public.sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

-- Keys that ended 30 days ago: until then their owner can still see which one it was.
CREATE FUNCTION delete_expired_api_keys(batch integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.api_keys');
  DELETE FROM public.api_keys WHERE id IN (
    SELECT id FROM public.api_keys WHERE expires_at <= now() - interval '30 days'
    ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

-- Takes the person out of a user and keeps the row: what others made with it stays whole. true: it was done now.
CREATE FUNCTION anonymize_user(wanted uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.demand_context('public.users');
  UPDATE public.users SET
    email = 'anonymized_' || id || '@deleted.invalid',
    password_hash = 'anonymized',
    deleted_at = coalesce(deleted_at, now()),
    anonymized_at = now()
  WHERE id = wanted AND anonymized_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM public.sessions WHERE user_id = wanted;
  DELETE FROM public.api_keys WHERE user_id = wanted;
  DELETE FROM public.user_preferences WHERE user_id = wanted;
  UPDATE public.organization_members SET deleted_at = now() WHERE user_id = wanted AND deleted_at IS NULL;
  RETURN true;
END
$$;

-- Rows deleted 7 years ago go for good, and with an organisation everything that is its own. A user who still owns an
-- organisation stays until that goes.
CREATE FUNCTION purge_deleted() RETURNS TABLE (table_name text, purged bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  PERFORM public.demand_context('public.users');
  FOREACH table_name IN ARRAY ARRAY[
    'tasks', 'team_members', 'teams', 'projects', 'organization_members', 'organizations', 'users']
  LOOP
    EXECUTE format('DELETE FROM public.%I gone WHERE deleted_at <= now() - interval ''7 years''', table_name)
      || CASE WHEN table_name = 'users'
        THEN ' AND NOT EXISTS (SELECT FROM public.organizations WHERE owner_id = gone.id)' ELSE '' END;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN NEXT;
  END LOOP;
END
$$;

-- The files go after 30 days on the host; a row without its file would promise what is not there.
CREATE FUNCTION delete_expired_backup_snapshots() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  DELETE FROM public.backup_snapshots WHERE created_at <= now() - interval '30 days';
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

-- Makes the months of one log from its oldest row without a month to three ahead, and drops those past their retention.
CREATE FUNCTION internal.maintain_log(log regclass, time_column name, keep interval)
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

-- How long a log is kept stands here and is no parameter: whoever may call this must not be able to empty the trail.
CREATE FUNCTION maintain_logs() RETURNS TABLE (partition text, event text)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '5s'
AS $$
  SELECT * FROM internal.maintain_log('public.audit_logs', 'created_at', interval '7 years')
  UNION ALL SELECT * FROM internal.maintain_log('public.error_logs', 'created_at', interval '90 days')
  UNION ALL SELECT * FROM internal.maintain_log('public.access_logs', 'timestamp', interval '90 days');
$$;
