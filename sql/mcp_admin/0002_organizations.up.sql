-- Tenants, people and who belongs where. Clerk is the source of all three; its webhooks are applied by the service.

CREATE TABLE organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  clerk_id text NOT NULL,
  name text NOT NULL,
  slug text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT organizations_clerk_id_key UNIQUE (clerk_id),
  CONSTRAINT organizations_clerk_id_check CHECK (clerk_id ~ '^org_[A-Za-z0-9]+$'),
  CONSTRAINT organizations_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
  CONSTRAINT organizations_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(slug) <= 100),
  CONSTRAINT organizations_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
-- A slug is free again once its organisation is deleted.
CREATE UNIQUE INDEX organizations_slug_idx ON organizations (slug) WHERE deleted_at IS NULL;
COMMENT ON INDEX organizations_slug_idx IS 'query organization-by-slug';
COMMENT ON CONSTRAINT organizations_clerk_id_key ON organizations IS 'query organization-by-clerk-id';

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  clerk_id text NOT NULL,
  email text NOT NULL,
  display_name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  anonymized_at timestamptz,
  CONSTRAINT users_clerk_id_key UNIQUE (clerk_id),
  -- What memberships copy; see there.
  CONSTRAINT users_profile_key UNIQUE (id, email, display_name),
  CONSTRAINT users_clerk_id_check CHECK (clerk_id ~ '^user_[A-Za-z0-9]+$'),
  CONSTRAINT users_email_check CHECK (email = lower(email) AND email ~ '^[^@\s]+@[^@\s]+$' AND char_length(email) <= 254),
  CONSTRAINT users_display_name_check CHECK (char_length(display_name) <= 200),
  CONSTRAINT users_anonymized_at_check CHECK (anonymized_at IS NULL OR deleted_at IS NOT NULL)
);
CREATE UNIQUE INDEX users_email_idx ON users (email) WHERE deleted_at IS NULL;
COMMENT ON INDEX users_email_idx IS 'query user-by-email';
COMMENT ON CONSTRAINT users_clerk_id_key ON users IS 'query user-by-clerk-id';
COMMENT ON CONSTRAINT users_profile_key ON users IS 'foreign key';

-- A user belongs to many organisations, so a row of users has no tenant and only its owner sees it. What colleagues may
-- know of each other is copied here: the foreign key carries every change of the profile over, whoever makes it.
CREATE TABLE organization_memberships (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  clerk_id text NOT NULL,
  role membership_role NOT NULL DEFAULT 'MEMBER',
  email text NOT NULL,
  display_name text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT organization_memberships_clerk_id_key UNIQUE (clerk_id),
  CONSTRAINT organization_memberships_organization_user_key UNIQUE (organization_id, user_id),
  CONSTRAINT organization_memberships_clerk_id_check CHECK (clerk_id ~ '^orgmem_[A-Za-z0-9]+$'),
  CONSTRAINT organization_memberships_organization_fkey FOREIGN KEY (organization_id)
    REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT organization_memberships_profile_fkey FOREIGN KEY (user_id, email, display_name)
    REFERENCES users (id, email, display_name) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX organization_memberships_profile_fkey_idx ON organization_memberships (user_id, email, display_name);
COMMENT ON INDEX organization_memberships_profile_fkey_idx IS 'foreign key; query organizations-of-user';
CREATE INDEX organization_memberships_active_idx ON organization_memberships (organization_id, user_id)
  INCLUDE (role) WHERE deleted_at IS NULL;
COMMENT ON INDEX organization_memberships_active_idx IS 'query role-in-organization';
COMMENT ON CONSTRAINT organization_memberships_organization_user_key ON organization_memberships IS 'foreign key';
COMMENT ON CONSTRAINT organization_memberships_clerk_id_key ON organization_memberships IS 'query membership-by-clerk-id';

-- The token itself is never stored, only its SHA-256.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  -- The organisation the user works in at the moment.
  organization_id uuid,
  clerk_id text,
  token_hash bytea NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  ip_address inet,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_active_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
  CONSTRAINT sessions_clerk_id_key UNIQUE (clerk_id),
  CONSTRAINT sessions_clerk_id_check CHECK (clerk_id ~ '^sess_[A-Za-z0-9]+$'),
  CONSTRAINT sessions_token_hash_check CHECK (octet_length(token_hash) = 32),
  CONSTRAINT sessions_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
  CONSTRAINT sessions_expires_at_check CHECK (expires_at > created_at),
  CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sessions_membership_fkey FOREIGN KEY (organization_id, user_id)
    REFERENCES organization_memberships (organization_id, user_id) ON DELETE SET NULL (organization_id)
);
COMMENT ON CONSTRAINT sessions_token_hash_key ON sessions IS 'query session-by-token';
COMMENT ON CONSTRAINT sessions_clerk_id_key ON sessions IS 'query session-by-clerk-id';
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON INDEX sessions_user_id_idx IS 'foreign key; query sessions-of-user';
CREATE INDEX sessions_membership_fkey_idx ON sessions (organization_id, user_id);
COMMENT ON INDEX sessions_membership_fkey_idx IS 'foreign key';
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
COMMENT ON INDEX sessions_expires_at_idx IS 'query expired-sessions';

CREATE TRIGGER organizations_updated_at BEFORE UPDATE ON organizations
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER organization_memberships_updated_at BEFORE UPDATE ON organization_memberships
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

-- Which columns a role may write is granted; that nobody raises themselves depends on the row.
CREATE FUNCTION internal.refuse_own_role() RETURNS trigger
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
CREATE TRIGGER organization_memberships_own_role BEFORE INSERT OR UPDATE OF role ON organization_memberships
  FOR EACH ROW EXECUTE FUNCTION internal.refuse_own_role();
