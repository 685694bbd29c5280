DROP FUNCTION internal.set_updated_at();
DROP TYPE membership_role;
DROP SCHEMA internal;
