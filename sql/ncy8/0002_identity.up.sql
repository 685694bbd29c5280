-- People, organisations, who belongs where, and what people log in with.

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL,
  password_hash text NOT NULL,
  role user_role NOT NULL DEFAULT 'EMPLOYEE',
  status user_status NOT NULL DEFAULT 'ACTIVE',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  anonymized_at timestamptz,
  -- What memberships copy; see there.
  CONSTRAINT users_profile_key UNIQUE (id, email),
  CONSTRAINT users_email_check CHECK (email = lower(email) AND email ~ '^[^@\s]+@[^@\s]+$' AND char_length(email) <= 254),
  -- bcrypt, argon2 or scrypt in their own notation, or nothing that anything hashes to. Never a password.
  CONSTRAINT users_password_hash_check CHECK (password_hash ~ '^\$(2[aby]|argon2id|scrypt)\$' OR password_hash = 'anonymized'),
  CONSTRAINT users_anonymized_at_check
    CHECK ((anonymized_at IS NULL) = (password_hash <> 'anonymized') AND (anonymized_at IS NULL OR deleted_at IS NOT NULL))
);
-- An address is free again once its account is deleted.
CREATE UNIQUE INDEX users_email_idx ON users (email) WHERE deleted_at IS NULL;
COMMENT ON INDEX users_email_idx IS 'query user-by-email';
COMMENT ON CONSTRAINT users_profile_key ON users IS 'foreign key';
-- Nearly all accounts are active. The equality of an enum is not leakproof, so row security keeps it out of an index
-- condition; as the condition of the index itself it counts.
CREATE INDEX users_status_idx ON users (created_at) WHERE deleted_at IS NULL AND status <> 'ACTIVE';
COMMENT ON INDEX users_status_idx IS 'query users-not-active';
CREATE INDEX users_created_at_idx ON users (created_at);
COMMENT ON INDEX users_created_at_idx IS 'query newest-users';

CREATE TABLE organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  slug text NOT NULL,
  owner_id uuid NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT organizations_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
  CONSTRAINT organizations_slug_check CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(slug) <= 100),
  CONSTRAINT organizations_settings_check CHECK (jsonb_typeof(settings) = 'object'),
  CONSTRAINT organizations_owner_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX organizations_slug_idx ON organizations (slug) WHERE deleted_at IS NULL;
COMMENT ON INDEX organizations_slug_idx IS 'query organization-by-slug';
CREATE INDEX organizations_owner_id_idx ON organizations (owner_id);
COMMENT ON INDEX organizations_owner_id_idx IS 'foreign key; query organizations-of-owner';

-- A user belongs to many organisations, so a row of users has no tenant and only its owner sees it. What colleagues may
-- know of each other is copied here: the foreign key carries every change of the address over, whoever makes it.
CREATE TABLE organization_members (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  email text NOT NULL,
  role org_role NOT NULL DEFAULT 'MEMBER',
  joined_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT organization_members_organization_user_key UNIQUE (organization_id, user_id),
  CONSTRAINT organization_members_organization_fkey FOREIGN KEY (organization_id)
    REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT organization_members_profile_fkey FOREIGN KEY (user_id, email)
    REFERENCES users (id, email) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX organization_members_profile_fkey_idx ON organization_members (user_id, email);
COMMENT ON INDEX organization_members_profile_fkey_idx IS 'foreign key; query organizations-of-user';
CREATE INDEX organization_members_org_user_idx ON organization_members (organization_id, user_id)
  INCLUDE (role) WHERE deleted_at IS NULL;
COMMENT ON CONSTRAINT organization_members_organization_user_key ON organization_members IS 'foreign key';
COMMENT ON INDEX organization_members_org_user_idx IS 'query role-in-organization';

-- The refresh token itself is never stored, only its SHA-256.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  refresh_token_hash bytea NOT NULL,
  ip_address inet,
  user_agent text,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT sessions_refresh_token_hash_key UNIQUE (refresh_token_hash),
  CONSTRAINT sessions_refresh_token_hash_check CHECK (octet_length(refresh_token_hash) = 32),
  CONSTRAINT sessions_expires_at_check CHECK (expires_at > created_at),
  CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT sessions_refresh_token_hash_key ON sessions IS 'query session-by-token';
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON INDEX sessions_user_id_idx IS 'foreign key; query sessions-of-user';
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
COMMENT ON INDEX sessions_expires_at_idx IS 'query expired-sessions';

-- A key works for one user in one organisation. Kept are its SHA-256 and the beginning that its owner knows it by.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  key_prefix text NOT NULL,
  key_hash bytea NOT NULL,
  scopes text[] NOT NULL DEFAULT '{}',
  last_used_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
  CONSTRAINT api_keys_key_prefix_check CHECK (char_length(key_prefix) BETWEEN 4 AND 12),
  CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
  CONSTRAINT api_keys_expires_at_check CHECK (expires_at > created_at),
  CONSTRAINT api_keys_member_fkey FOREIGN KEY (organization_id, user_id)
    REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT api_keys_key_hash_key ON api_keys IS 'query api-key-by-hash';
CREATE INDEX api_keys_member_fkey_idx ON api_keys (organization_id, user_id);
COMMENT ON INDEX api_keys_member_fkey_idx IS 'foreign key; query api-keys-of-user';
CREATE INDEX api_keys_expires_at_idx ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON INDEX api_keys_expires_at_idx IS 'query expired-api-keys';

CREATE TABLE user_preferences (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  preferences jsonb NOT NULL DEFAULT '{}',
  timezone text NOT NULL DEFAULT 'UTC',
  locale text NOT NULL DEFAULT 'en',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- One row a user, so the index serves the key and the look-up.
  CONSTRAINT user_preferences_user_id_key UNIQUE (user_id),
  CONSTRAINT user_preferences_preferences_check CHECK (jsonb_typeof(preferences) = 'object'),
  CONSTRAINT user_preferences_timezone_check CHECK (char_length(timezone) BETWEEN 1 AND 50),
  CONSTRAINT user_preferences_locale_check CHECK (locale ~ '^[a-z]{2,3}([-_][A-Za-z]{2,4})?$'),
  CONSTRAINT user_preferences_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT user_preferences_user_id_key ON user_preferences IS 'foreign key; query preferences-of-user';

CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER organizations_updated_at BEFORE UPDATE ON organizations
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER user_preferences_updated_at BEFORE UPDATE ON user_preferences
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

-- Which columns a role may write is granted; that nobody raises themselves, and that an organisation changes its owner
-- through the service alone, depends on the row.
CREATE FUNCTION internal.guard_member_role() RETURNS trigger
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
CREATE TRIGGER organization_members_role BEFORE INSERT OR UPDATE OF role ON organization_members
  FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role();
