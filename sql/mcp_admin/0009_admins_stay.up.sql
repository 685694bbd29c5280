-- An organisation is never left without an admin by its admins: the one who stays is locked, so that of two who take the role from
-- each other at once the second one waits and is refused, or has to begin again. The service may, for Clerk is the source.
CREATE FUNCTION internal.keep_admin() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF row_security_active(TG_RELID) AND context.role() IS DISTINCT FROM 'svc_mcp_admin' AND (TG_OP = 'DELETE'
      OR (NEW.organization_id, NEW.role, NEW.deleted_at) IS DISTINCT FROM (OLD.organization_id, OLD.role, OLD.deleted_at)) THEN
    PERFORM FROM public.organization_memberships
      WHERE organization_id = OLD.organization_id AND id <> OLD.id AND role = 'ADMIN' AND deleted_at IS NULL
      LIMIT 1 FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'an organisation keeps an admin' USING ERRCODE = 'insufficient_privilege';
    END IF;
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER organization_memberships_keep_admin BEFORE UPDATE OR DELETE ON organization_memberships FOR EACH ROW
  WHEN (OLD.role = 'ADMIN' AND OLD.deleted_at IS NULL) EXECUTE FUNCTION internal.keep_admin();

-- Who was anonymised is in nothing any more, whoever says so. Only the owner knows: nobody else sees the users of others.
CREATE FUNCTION internal.refuse_anonymized() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM public.users WHERE id = NEW.user_id AND anonymized_at IS NOT NULL) THEN
    RAISE EXCEPTION 'who was anonymised does not return' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER organization_memberships_new_person BEFORE INSERT ON organization_memberships FOR EACH ROW
  WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION internal.refuse_anonymized();
CREATE TRIGGER organization_memberships_return BEFORE UPDATE ON organization_memberships FOR EACH ROW
  WHEN (NEW.deleted_at IS NULL AND (OLD.deleted_at IS NOT NULL OR NEW.user_id <> OLD.user_id))
  EXECUTE FUNCTION internal.refuse_anonymized();

CREATE FUNCTION internal.stay_anonymized() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'who was anonymised does not return' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER users_stay_anonymized BEFORE UPDATE ON users FOR EACH ROW
  WHEN (OLD.anonymized_at IS NOT NULL AND NEW.anonymized_at IS NULL) EXECUTE FUNCTION internal.stay_anonymized();
