-- team_id: whose custom server it is; NULL: the predefined catalogue, which everybody sees.
CREATE TABLE mcp_servers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id uuid REFERENCES teams (id) ON DELETE CASCADE,
  -- The same without NULL, so that a key can hold it: the nil UUID is the predefined catalogue.
  catalog_team_id uuid NOT NULL
    GENERATED ALWAYS AS (coalesce(team_id, '00000000-0000-0000-0000-000000000000')) STORED,
  name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,254}$'),
  display_name text CHECK (length(display_name) <= 255),
  description text,
  image text NOT NULL CHECK (length(image) BETWEEN 1 AND 500),
  catalog_type catalog_type NOT NULL DEFAULT 'predefined',
  category text CHECK (length(category) <= 100),
  tags text[] NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  version text CHECK (length(version) <= 50),
  created_by uuid REFERENCES users (id) ON DELETE SET NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name || ' ' || coalesce(display_name, '')), 'A')
    || setweight(to_tsvector('english', coalesce(description, '')), 'B')
    || setweight(to_tsvector('english', coalesce(category, '')), 'C')
  ) STORED,
  CONSTRAINT mcp_servers_custom_has_team CHECK ((catalog_type = 'custom') = (team_id IS NOT NULL)),
  CONSTRAINT mcp_servers_name_key UNIQUE (catalog_team_id, name),
  CONSTRAINT mcp_servers_catalog_key UNIQUE (id, catalog_team_id)
);

-- Versions of the data key, each wrapped with a key that never comes here: docs/encryption-keys.md.
CREATE TABLE encryption_keys (
  -- squawk-ignore prefer-bigint-over-int
  version integer PRIMARY KEY CHECK (version > 0),
  state key_state NOT NULL DEFAULT 'active',
  -- What settings refer to: it turns false only when none is left under this version.
  usable boolean NOT NULL GENERATED ALWAYS AS (state <> 'retired') STORED,
  -- Fingerprint of the wrapping key; tells which one is needed, and nothing of it.
  wrapped_with text NOT NULL CHECK (wrapped_with ~ '^[0-9a-f]{16}$'),
  -- AES-256-GCM: nonce 12, key 32, tag 16 bytes.
  wrapped_key bytea CHECK (octet_length(wrapped_key) = 60),
  created_at timestamptz NOT NULL DEFAULT now(),
  rotated_at timestamptz,
  retired_at timestamptz,
  UNIQUE (version, usable),
  CONSTRAINT encryption_keys_retired_is_destroyed
    CHECK ((state = 'retired') = (wrapped_key IS NULL) AND (state = 'retired') = (retired_at IS NOT NULL)),
  CONSTRAINT encryption_keys_rotated CHECK ((state = 'active') = (rotated_at IS NULL))
);

CREATE TABLE user_server_configs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id uuid NOT NULL,
  user_id uuid NOT NULL,
  server_id uuid NOT NULL,
  -- Of the server; filled in where it is left out. The check below keeps other teams' servers out.
  catalog_team_id uuid NOT NULL,
  enabled boolean NOT NULL DEFAULT false,
  container_id text CHECK (length(container_id) <= 255),
  container_state container_state,
  -- seal_secret(): pgp_sym_encrypt, aes256, and its own authentication code.
  encrypted_config bytea,
  -- squawk-ignore prefer-bigint-over-int
  key_version integer,
  key_usable boolean NOT NULL GENERATED ALWAYS AS (true) STORED,
  config_metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config_metadata) = 'object'),
  last_state_change timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_server_configs_key UNIQUE (team_id, user_id, server_id),
  CONSTRAINT user_server_configs_member_fkey
    FOREIGN KEY (team_id, user_id) REFERENCES team_members (team_id, user_id) ON DELETE CASCADE,
  CONSTRAINT user_server_configs_server_fkey
    FOREIGN KEY (server_id, catalog_team_id) REFERENCES mcp_servers (id, catalog_team_id) ON DELETE CASCADE,
  CONSTRAINT user_server_configs_server_of_team
    CHECK (catalog_team_id IN (team_id, '00000000-0000-0000-0000-000000000000')),
  -- No value under a key that is gone, and no key goes that a value needs: writers and rotation meet at this key's row.
  CONSTRAINT user_server_configs_key_fkey
    FOREIGN KEY (key_version, key_usable) REFERENCES encryption_keys (version, usable),
  CONSTRAINT user_server_configs_sealed CHECK ((encrypted_config IS NULL) = (key_version IS NULL))
);

-- Query "newest keys first": only one may be active.
CREATE UNIQUE INDEX encryption_keys_one_active_key ON encryption_keys (state) WHERE state = 'active';
-- Query "servers found by words" (search_servers).
CREATE INDEX mcp_servers_search_idx ON mcp_servers USING gin (search) WITH (fastupdate = off);
-- Query "servers with all of these tags" (search_servers).
CREATE INDEX mcp_servers_tags_idx ON mcp_servers USING gin (tags) WITH (fastupdate = off);
-- Policy and foreign key: a team's own servers.
CREATE INDEX mcp_servers_team_idx ON mcp_servers (team_id);
-- Query "servers that this user added".
CREATE INDEX mcp_servers_created_by_idx ON mcp_servers (created_by) WHERE created_by IS NOT NULL;
-- Query "what is switched on for this member", at each start of the portal.
CREATE INDEX user_server_configs_enabled_idx ON user_server_configs (team_id, user_id) WHERE enabled;
-- Policy of a subject's own rows in any of its teams, and query "settings of this user".
CREATE INDEX user_server_configs_user_idx ON user_server_configs (user_id);
-- Foreign key, and query "who uses this server".
CREATE INDEX user_server_configs_server_idx ON user_server_configs (server_id, catalog_team_id);
-- Query "containers that need attention" of the job that watches them.
CREATE INDEX user_server_configs_container_idx ON user_server_configs (container_state, last_state_change)
  WHERE container_state IN ('pending', 'creating', 'stopping', 'error');
-- Query "settings still under an old key", batch by batch in a rotation; foreign key to the version.
CREATE INDEX user_server_configs_key_idx ON user_server_configs (key_version, team_id, id)
  WHERE key_version IS NOT NULL;

CREATE TRIGGER updated_at BEFORE UPDATE ON mcp_servers FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER updated_at BEFORE UPDATE ON user_server_configs
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

-- With the caller's own rights: a server that the caller does not see is not found.
CREATE FUNCTION internal.complete_config() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.catalog_team_id IS NULL THEN
    SELECT s.catalog_team_id INTO NEW.catalog_team_id FROM public.mcp_servers s WHERE s.id = NEW.server_id;
  END IF;
  IF TG_OP = 'INSERT' OR NEW.container_state IS DISTINCT FROM OLD.container_state THEN
    NEW.last_state_change := CASE WHEN NEW.container_state IS NOT NULL OR TG_OP = 'UPDATE' THEN now() END;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER complete BEFORE INSERT OR UPDATE OF container_state ON user_server_configs
  FOR EACH ROW EXECUTE FUNCTION internal.complete_config();
