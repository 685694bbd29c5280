-- `internal` holds what no identity may even name: trigger functions, and the partitions of the audit log.
CREATE SCHEMA internal;

CREATE TYPE membership_role AS ENUM ('ADMIN', 'MEMBER', 'VIEWER');

CREATE FUNCTION internal.set_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
