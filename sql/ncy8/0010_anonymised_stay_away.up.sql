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
CREATE TRIGGER organization_members_new_person BEFORE INSERT ON organization_members FOR EACH ROW
  WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION internal.refuse_anonymized();
CREATE TRIGGER organization_members_return BEFORE UPDATE ON organization_members FOR EACH ROW
  WHEN (NEW.deleted_at IS NULL AND (OLD.deleted_at IS NOT NULL OR NEW.user_id <> OLD.user_id))
  EXECUTE FUNCTION internal.refuse_anonymized();
CREATE TRIGGER team_members_new_person BEFORE INSERT ON team_members FOR EACH ROW
  WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION internal.refuse_anonymized();
CREATE TRIGGER team_members_return BEFORE UPDATE ON team_members FOR EACH ROW
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
