-- `internal` holds what no identity may even name: trigger functions, maintenance, the partitions of the audit log.
CREATE SCHEMA internal;

CREATE TYPE portal_role AS ENUM ('super_admin', 'team_admin', 'standard_user');
CREATE TYPE team_role AS ENUM ('member', 'admin');
CREATE TYPE catalog_type AS ENUM ('predefined', 'custom');
CREATE TYPE container_state AS ENUM ('pending', 'creating', 'running', 'stopping', 'stopped', 'error');
CREATE TYPE key_state AS ENUM ('active', 'retiring', 'retired');
CREATE TYPE audit_action AS ENUM (
  'login', 'logout', 'session_expired',
  'user_created', 'user_updated', 'user_deleted', 'role_changed',
  'team_created', 'team_updated', 'team_deleted', 'member_added', 'member_removed',
  'custom_server_added', 'custom_server_removed', 'server_updated', 'catalog_changed',
  'config_created', 'config_updated', 'config_deleted', 'config_reencrypted',
  'server_enabled', 'server_disabled',
  'config_exported', 'config_imported', 'bulk_enable', 'bulk_disable',
  'key_created', 'key_rotated', 'key_retired'
);

CREATE FUNCTION internal.set_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
