-- An auditor reads the trail, and of a service all but its configuration: whatever is in there, under whatever name, is no trail's. That it
-- changed is told.
CREATE OR REPLACE FUNCTION internal.without_secrets(value jsonb, levels integer) RETURNS jsonb
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
        WHEN entry.key ~* '(^configuration$|passw|passphrase|pwd|secret|token|credential|authori[sz]ation|bearer|assertion|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$|^dsn$)'
          THEN '"[secret]"'
        ELSE internal.without_secrets(entry.value, levels - 1) END), '{}')
      FROM jsonb_each(value) entry)
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(internal.without_secrets(item.value, levels - 1) ORDER BY item.ordinality), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY item)
    ELSE value END;
END
$$;
