-- Who changed what, from what, to what. Written by triggers in the transaction of the change, and by nothing else.
-- No foreign keys: evidence outlives what it is about.

CREATE TABLE audit_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  organization_id uuid,
  -- The subject of the signed context; NULL: the service or an operator without one.
  user_id uuid,
  action text NOT NULL,
  target_table text NOT NULL,
  target_id uuid,
  old_value jsonb,
  new_value jsonb,
  -- As the application states them in the settings request.ip_address and request.user_agent: not proven.
  ip_address inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_logs_pkey PRIMARY KEY (id, created_at),
  CONSTRAINT audit_logs_action_check
    CHECK (action IN ('INSERT', 'UPDATE', 'DELETE', 'SOFT_DELETE', 'RESTORE', 'ANONYMIZE'))
) PARTITION BY RANGE (created_at);
CREATE INDEX audit_logs_created_at_idx ON audit_logs (organization_id, created_at DESC);
COMMENT ON INDEX audit_logs_created_at_idx IS 'query audit-of-organization';
CREATE INDEX audit_logs_user_id_idx ON audit_logs (organization_id, user_id, created_at DESC);
COMMENT ON INDEX audit_logs_user_id_idx IS 'query audit-of-user';
CREATE INDEX audit_logs_target_idx ON audit_logs (target_table, target_id, created_at DESC);
COMMENT ON INDEX audit_logs_target_idx IS 'query audit-of-row';

-- Takes what no month has been made for, so that a change never fails for want of a partition. The months themselves are
-- made by maintain_logs(): the schema must not depend on the day it was made.
CREATE TABLE internal.audit_logs_default PARTITION OF audit_logs DEFAULT;

CREATE FUNCTION internal.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
  FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_change();

-- Takes out what must never enter the trail, at any depth: a value whose name speaks of a secret.
CREATE FUNCTION internal.without_secrets(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN (
      SELECT coalesce(jsonb_object_agg(entry.key, CASE
        WHEN entry.value = 'null' THEN entry.value
        WHEN entry.key ~* '(passw|secret|token|credential|authori[sz]ation|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$)'
          THEN '"[secret]"'
        ELSE internal.without_secrets(entry.value) END), '{}')
      FROM jsonb_each(value) entry)
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(internal.without_secrets(item.value) ORDER BY item.ordinality), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY item)
    ELSE value END;
END
$$;

-- Trigger arguments: columns with personal data (written as [personal], so that erasing a person never has to change this
-- trail) and columns whose change alone is not worth a row; each a list with commas.
CREATE FUNCTION internal.write_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  personal CONSTANT text[] := string_to_array(coalesce(TG_ARGV[0], ''), ',');
  unimportant CONSTANT text[] := string_to_array(coalesce(TG_ARGV[1], ''), ',') || 'updated_at'::text;
  before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  whole CONSTANT jsonb := coalesce(after_row, before_row);
  changed text[];
  kept text[];
  event text := TG_OP;
  client CONSTANT text := nullif(current_setting('request.ip_address', true), '');
  address inet;
BEGIN
  SELECT array_agg(key) INTO kept FROM jsonb_object_keys(whole) key;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(key), '{}') INTO changed FROM unnest(kept) key
      WHERE key <> ALL (unimportant) AND after_row -> key IS DISTINCT FROM before_row -> key;
    IF changed = '{}' THEN
      RETURN NULL;
    END IF;
    -- Keys stay, changed or not: they say which row it was.
    SELECT array_agg(key) INTO kept FROM unnest(kept) key WHERE key = ANY (changed) OR key = 'id' OR key ~ '_id$';
    event := CASE
      WHEN 'anonymized_at' = ANY (changed) AND before_row ->> 'anonymized_at' IS NULL THEN 'ANONYMIZE'
      WHEN 'deleted_at' = ANY (changed) AND before_row ->> 'deleted_at' IS NULL THEN 'SOFT_DELETE'
      WHEN 'deleted_at' = ANY (changed) AND after_row ->> 'deleted_at' IS NULL THEN 'RESTORE'
      ELSE 'UPDATE' END;
  END IF;

  SELECT
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND before_row -> key <> 'null' THEN '"[personal]"' ELSE before_row -> key END)
      FILTER (WHERE before_row IS NOT NULL),
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND after_row -> key <> 'null' THEN '"[personal]"' ELSE after_row -> key END)
      FILTER (WHERE after_row IS NOT NULL)
    INTO before_row, after_row FROM unnest(kept) key;

  -- A statement of its own: inside of a CASE the planner would try the cast before the condition.
  IF pg_input_is_valid(client, 'inet') THEN
    address := client;
  END IF;
  INSERT INTO public.audit_logs
    (organization_id, user_id, action, target_table, target_id, old_value, new_value, ip_address, user_agent)
  VALUES (
    (CASE WHEN TG_TABLE_NAME = 'organizations' THEN whole ->> 'id' ELSE whole ->> 'organization_id' END)::uuid,
    context.subject(),
    event,
    TG_TABLE_NAME,
    (whole ->> 'id')::uuid,
    internal.without_secrets(before_row),
    internal.without_secrets(after_row),
    address,
    left(nullif(current_setting('request.user_agent', true), ''), 512));
  RETURN NULL;
END
$$;

CREATE TRIGGER users_audit AFTER INSERT OR UPDATE OR DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email');
CREATE TRIGGER organizations_audit AFTER INSERT OR UPDATE OR DELETE ON organizations
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER organization_members_audit AFTER INSERT OR UPDATE OR DELETE ON organization_members
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email');
CREATE TRIGGER sessions_audit AFTER INSERT OR UPDATE OR DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('ip_address,user_agent');
CREATE TRIGGER api_keys_audit AFTER INSERT OR UPDATE OR DELETE ON api_keys
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('', 'last_used_at');
CREATE TRIGGER user_preferences_audit AFTER INSERT OR UPDATE OR DELETE ON user_preferences
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('preferences,timezone,locale');
CREATE TRIGGER roles_audit AFTER INSERT OR UPDATE OR DELETE ON roles
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER permissions_audit AFTER INSERT OR UPDATE OR DELETE ON permissions
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER role_permissions_audit AFTER INSERT OR UPDATE OR DELETE ON role_permissions
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER user_roles_audit AFTER INSERT OR UPDATE OR DELETE ON user_roles
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER teams_audit AFTER INSERT OR UPDATE OR DELETE ON teams
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER team_members_audit AFTER INSERT OR UPDATE OR DELETE ON team_members
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER projects_audit AFTER INSERT OR UPDATE OR DELETE ON projects
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER tasks_audit AFTER INSERT OR UPDATE OR DELETE ON tasks
  FOR EACH ROW EXECUTE FUNCTION internal.write_audit('description');
