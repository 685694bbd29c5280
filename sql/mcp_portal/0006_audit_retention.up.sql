-- Hot for 30 days, then the month moves whole, without copying, to the archive; there each action is kept its own time.
CREATE TABLE audit_logs_archive (LIKE audit_logs INCLUDING DEFAULTS, PRIMARY KEY (id, occurred_at))
  PARTITION BY RANGE (occurred_at);
-- Policy and query "the team's archived log".
CREATE INDEX audit_logs_archive_team_idx ON audit_logs_archive (team_id, occurred_at DESC);
-- Query "what this user did, newest first", in the archive.
CREATE INDEX audit_logs_archive_actor_idx ON audit_logs_archive (actor_id, action, occurred_at DESC);

CREATE TABLE audit_retention (
  action audit_action PRIMARY KEY,
  -- squawk-ignore prefer-bigint-over-int
  keep_days integer NOT NULL CHECK (keep_days BETWEEN 30 AND 3650)
);
INSERT INTO audit_retention (action, keep_days)
SELECT action, CASE
    WHEN action IN ('login', 'logout', 'session_expired') THEN 730
    WHEN action IN ('role_changed', 'user_created', 'user_deleted', 'member_added', 'member_removed') THEN 2920
    ELSE 1460
  END
FROM unnest(enum_range(NULL::audit_action)) AS action;

-- Partitions of this month and of as many months ahead. What had fallen into the default partition moves to where it
-- belongs. Answers the names of the new ones.
CREATE FUNCTION internal.make_audit_partitions(months_ahead integer DEFAULT 3) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
  first timestamptz := date_trunc('month', now());
  start timestamptz;
  partition text;
BEGIN
  -- Months that came before this function first ran, or while it did not run.
  SELECT least(first, date_trunc('month', min(occurred_at))) INTO first FROM internal.audit_logs_default;
  FOR start IN SELECT generate_series(first, date_trunc('month', now()) + make_interval(months => months_ahead), '1 month')
  LOOP
    partition := 'audit_logs_' || to_char(start, 'YYYY_MM');
    CONTINUE WHEN to_regclass('internal.' || partition) IS NOT NULL;
    IF EXISTS (SELECT FROM internal.audit_logs_default
        WHERE occurred_at >= start AND occurred_at < start + interval '1 month') THEN
      PERFORM internal.empty_audit_default(start, partition);
    ELSE
      EXECUTE format('CREATE TABLE internal.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
        partition, start, start + interval '1 month');
    END IF;
    RETURN NEXT partition;
  END LOOP;
END
$$;

CREATE FUNCTION internal.empty_audit_default(start timestamptz, partition text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  -- Detached, it loses the parent's triggers: only so can rows leave it. Nobody sees a moment without it.
  ALTER TABLE public.audit_logs DETACH PARTITION internal.audit_logs_default;
  EXECUTE format('CREATE TABLE internal.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
    partition, start, start + interval '1 month');
  EXECUTE format('WITH moved AS (DELETE FROM internal.audit_logs_default WHERE occurred_at >= $1 AND occurred_at < $2
    RETURNING *) INSERT INTO internal.%I SELECT * FROM moved', partition) USING start, start + interval '1 month';
  ALTER TABLE public.audit_logs ATTACH PARTITION internal.audit_logs_default DEFAULT;
END
$$;

-- Moves months that ended 30 days ago. Answers their names. The log is locked for an instant only: what a partition must
-- hold is proven on the partition before, so that nothing is read under the lock.
CREATE FUNCTION internal.archive_audit_logs(hot_days integer DEFAULT 30) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
  partition text;
  start timestamptz;
  span text;
BEGIN
  IF hot_days < 30 THEN
    RAISE EXCEPTION 'hot_days is %; the audit log stays hot for 30 days at least', hot_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.audit_logs'::regclass AND c.relname ~ '^audit_logs_\d{4}_\d{2}$' ORDER BY 1
  LOOP
    start := to_date(right(partition, 7), 'YYYY_MM');
    EXIT WHEN start + interval '1 month' > now() - make_interval(days => hot_days);
    span := format('occurred_at >= %L AND occurred_at < %L', start, start + interval '1 month');
    EXECUTE format('ALTER TABLE internal.%I ADD CONSTRAINT month CHECK (%s) NOT VALID', partition, span);
    EXECUTE format('ALTER TABLE internal.%I VALIDATE CONSTRAINT month', partition);
    EXECUTE format('ALTER TABLE public.audit_logs DETACH PARTITION internal.%I', partition);
    EXECUTE format('ALTER TABLE public.audit_logs_archive ATTACH PARTITION internal.%I FOR VALUES FROM (%L) TO (%L)',
      partition, start, start + interval '1 month');
    EXECUTE format('ALTER TABLE internal.%I DROP CONSTRAINT month', partition);
    RETURN NEXT partition;
  END LOOP;
END
$$;

-- Deletes what the archive has kept long enough, and partitions that are then empty. Answers how many rows went.
CREATE FUNCTION internal.purge_audit_archive() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
  partition text;
  gone bigint;
  total bigint := 0;
  empty boolean;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.audit_logs_archive'::regclass ORDER BY 1
  LOOP
    EXECUTE format('DELETE FROM internal.%I l USING public.audit_retention r
      WHERE r.action = l.action AND l.occurred_at < now() - make_interval(days => r.keep_days)', partition);
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM internal.%I)', partition) INTO empty;
    IF empty THEN
      EXECUTE format('DROP TABLE internal.%I', partition);
    END IF;
  END LOOP;
  RETURN total;
END
$$;
