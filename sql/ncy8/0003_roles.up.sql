-- Roles and permissions are one list for the platform; who has a role has it in one organisation.

CREATE TABLE roles (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  description text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT roles_name_key UNIQUE (name),
  CONSTRAINT roles_name_check CHECK (char_length(name) BETWEEN 1 AND 100)
);
COMMENT ON CONSTRAINT roles_name_key ON roles IS 'query role-by-name';

CREATE TABLE permissions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key text NOT NULL,
  description text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT permissions_key_key UNIQUE (key),
  CONSTRAINT permissions_key_check CHECK (char_length(key) BETWEEN 1 AND 100)
);
COMMENT ON CONSTRAINT permissions_key_key ON permissions IS 'query permission-by-key';

CREATE TABLE role_permissions (
  role_id uuid NOT NULL,
  permission_id uuid NOT NULL,
  CONSTRAINT role_permissions_pkey PRIMARY KEY (role_id, permission_id),
  CONSTRAINT role_permissions_role_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE CASCADE,
  CONSTRAINT role_permissions_permission_fkey FOREIGN KEY (permission_id) REFERENCES permissions (id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT role_permissions_pkey ON role_permissions IS 'foreign key; query permissions-of-role';
CREATE INDEX role_permissions_permission_id_idx ON role_permissions (permission_id);
COMMENT ON INDEX role_permissions_permission_id_idx IS 'foreign key';

CREATE TABLE user_roles (
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role_id uuid NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  granted_by uuid,
  CONSTRAINT user_roles_pkey PRIMARY KEY (organization_id, user_id, role_id),
  CONSTRAINT user_roles_member_fkey FOREIGN KEY (organization_id, user_id)
    REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
  CONSTRAINT user_roles_role_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE CASCADE,
  CONSTRAINT user_roles_granted_by_fkey FOREIGN KEY (organization_id, granted_by)
    REFERENCES organization_members (organization_id, user_id) ON DELETE SET NULL (granted_by)
);
COMMENT ON CONSTRAINT user_roles_pkey ON user_roles IS 'foreign key; query roles-of-user';
CREATE INDEX user_roles_role_id_idx ON user_roles (role_id);
COMMENT ON INDEX user_roles_role_id_idx IS 'foreign key';
CREATE INDEX user_roles_granted_by_fkey_idx ON user_roles (organization_id, granted_by);
COMMENT ON INDEX user_roles_granted_by_fkey_idx IS 'foreign key; query roles-granted-by-user';

-- Who grants is what the signed context says, and nobody grants to themselves.
CREATE FUNCTION internal.sign_grant() RETURNS trigger
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
CREATE TRIGGER user_roles_granted_by BEFORE INSERT ON user_roles
  FOR EACH ROW EXECUTE FUNCTION internal.sign_grant();
