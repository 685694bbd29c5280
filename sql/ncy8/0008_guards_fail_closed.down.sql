CREATE OR REPLACE FUNCTION internal.guard_member_role() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  former public.org_role := CASE WHEN TG_OP = 'UPDATE' THEN OLD.role END;
BEGIN
  IF NEW.role IS NOT DISTINCT FROM former THEN
    RETURN NEW;
  END IF;
  IF NEW.user_id = context.subject() THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF 'OWNER' IN (NEW.role, former) AND context.role() <> 'svc_ncy8' THEN
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
  IF NEW.user_id = subject THEN
    RAISE EXCEPTION 'nobody grants a role to themselves' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.granted_by := coalesce(subject, NEW.granted_by);
  RETURN NEW;
END
$$;
