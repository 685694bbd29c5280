-- As before.
-- Partitions of this month and of as many months ahead. What had fallen into the default partition moves to where it
-- belongs. Answers the names of the new ones.
CREATE OR REPLACE FUNCTION internal.make_audit_partitions(months_ahead integer DEFAULT 3) RETURNS SETOF text
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
DROP FUNCTION internal.keep_no_statistics(regclass, regclass);
