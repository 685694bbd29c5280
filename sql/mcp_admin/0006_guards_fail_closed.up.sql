-- A comparison with a context that is NULL is NULL and refuses nothing. So the guard says what it does without one: whom row
-- security binds is refused, and an operator, whom it does not bind, passes.
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
