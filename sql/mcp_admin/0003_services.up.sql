-- Which MCP servers there are, which an organisation may use and how, and the keys its programs log in with.

CREATE TABLE mcp_servers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  display_name text NOT NULL,
  description text NOT NULL DEFAULT '',
  version text NOT NULL DEFAULT '1.0.0',
  capabilities text[] NOT NULL DEFAULT '{}',
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT mcp_servers_name_key UNIQUE (name),
  CONSTRAINT mcp_servers_name_check CHECK (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(name) <= 100)
);
COMMENT ON CONSTRAINT mcp_servers_name_key ON mcp_servers IS 'query server-by-name';

CREATE TABLE organization_services (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  mcp_server_id uuid NOT NULL,
  is_enabled boolean NOT NULL DEFAULT true,
  configuration jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT organization_services_organization_server_key UNIQUE (organization_id, mcp_server_id),
  CONSTRAINT organization_services_configuration_check CHECK (jsonb_typeof(configuration) = 'object'),
  CONSTRAINT organization_services_organization_fkey FOREIGN KEY (organization_id)
    REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT organization_services_mcp_server_fkey FOREIGN KEY (mcp_server_id)
    REFERENCES mcp_servers (id) ON DELETE RESTRICT
);
COMMENT ON CONSTRAINT organization_services_organization_server_key ON organization_services
  IS 'foreign key; query services-of-organization';
CREATE INDEX organization_services_mcp_server_id_idx ON organization_services (mcp_server_id);
COMMENT ON INDEX organization_services_mcp_server_id_idx IS 'foreign key; query organizations-of-server';

-- A key is shown once, when it is made; kept are its SHA-256 and the beginning that its owner knows it by.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  created_by uuid,
  name text NOT NULL,
  key_prefix text NOT NULL,
  key_hash bytea NOT NULL,
  scopes text[] NOT NULL DEFAULT '{}',
  usage_count bigint NOT NULL DEFAULT 0,
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
  CONSTRAINT api_keys_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
  CONSTRAINT api_keys_key_prefix_check CHECK (char_length(key_prefix) BETWEEN 4 AND 12),
  CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
  CONSTRAINT api_keys_usage_count_check CHECK (usage_count >= 0),
  CONSTRAINT api_keys_expires_at_check CHECK (expires_at > created_at),
  CONSTRAINT api_keys_organization_fkey FOREIGN KEY (organization_id)
    REFERENCES organizations (id) ON DELETE CASCADE,
  CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (organization_id, created_by)
    REFERENCES organization_memberships (organization_id, user_id) ON DELETE SET NULL (created_by)
);
COMMENT ON CONSTRAINT api_keys_key_hash_key ON api_keys IS 'query api-key-by-hash';
CREATE INDEX api_keys_created_by_fkey_idx ON api_keys (organization_id, created_by);
COMMENT ON INDEX api_keys_created_by_fkey_idx IS 'foreign key; query api-keys-of-organization';
CREATE INDEX api_keys_expires_at_idx ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON INDEX api_keys_expires_at_idx IS 'query expired-api-keys';

CREATE TRIGGER mcp_servers_updated_at BEFORE UPDATE ON mcp_servers
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER organization_services_updated_at BEFORE UPDATE ON organization_services
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
