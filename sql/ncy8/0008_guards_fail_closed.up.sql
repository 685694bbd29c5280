-- A comparison with a context that is NULL is NULL and refuses nothing. So each guard says what it does without one: whom row
-- security binds is refused, and an operator, whom it does not bind, has what the service has.

CREATE OR REPLACE FUNCTION internal.guard_member_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  former public.org_role := CASE WHEN TG_OP = 'UPDATE' THEN OLD.role END;
  acting CONSTANT text := coalesce(context.role(), CASE WHEN NOT row_security_active(TG_RELID) THEN 'svc_ncy8' END);
BEGIN
  IF NEW.role IS NOT DISTINCT FROM former THEN
    RETURN NEW;
  END IF;
  IF acting IS NULL THEN
    RAISE EXCEPTION 'a role is given in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.user_id IS NOT DISTINCT FROM context.subject() THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF (NEW.role = 'OWNER' OR former IS NOT DISTINCT FROM 'OWNER') AND acting IS DISTINCT FROM 'svc_ncy8' THEN
    RAISE EXCEPTION 'only the service changes who owns an organisation' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION internal.sign_grant() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  subject CONSTANT uuid := context.subject();
BEGIN
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
