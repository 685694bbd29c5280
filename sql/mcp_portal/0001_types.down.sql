DROP FUNCTION internal.set_updated_at();
DROP TYPE audit_action;
DROP TYPE key_state;
DROP TYPE container_state;
DROP TYPE catalog_type;
DROP TYPE team_role;
DROP TYPE portal_role;
DROP SCHEMA internal;
