-- As before: makes the months of one log from its oldest row without a month to three ahead, and drops those past their retention.
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
DROP FUNCTION internal.keep_no_statistics(regclass, regclass);
