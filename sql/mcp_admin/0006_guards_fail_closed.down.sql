CREATE OR REPLACE FUNCTION internal.refuse_own_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF NEW.user_id = context.subject() AND (TG_OP = 'INSERT' OR NEW.role IS DISTINCT FROM OLD.role) THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
