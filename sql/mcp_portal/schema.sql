CREATE SCHEMA internal;

CREATE TYPE public.audit_action AS ENUM (
    'login',
    'logout',
    'session_expired',
    'user_created',
    'user_updated',
    'user_deleted',
    'role_changed',
    'team_created',
    'team_updated',
    'team_deleted',
    'member_added',
    'member_removed',
    'custom_server_added',
    'custom_server_removed',
    'server_updated',
    'catalog_changed',
    'config_created',
    'config_updated',
    'config_deleted',
    'config_reencrypted',
    'server_enabled',
    'server_disabled',
    'config_exported',
    'config_imported',
    'bulk_enable',
    'bulk_disable',
    'key_created',
    'key_rotated',
    'key_retired'
);

CREATE TYPE public.catalog_type AS ENUM (
    'predefined',
    'custom'
);

CREATE TYPE public.container_state AS ENUM (
    'pending',
    'creating',
    'running',
    'stopping',
    'stopped',
    'error'
);

CREATE TYPE public.key_state AS ENUM (
    'active',
    'retiring',
    'retired'
);

CREATE TYPE public.portal_role AS ENUM (
    'super_admin',
    'team_admin',
    'standard_user'
);

CREATE TYPE public.team_role AS ENUM (
    'member',
    'admin'
);

CREATE FUNCTION internal.action_of(table_name text, operation text, before jsonb, after jsonb) RETURNS public.audit_action
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT (CASE table_name
    WHEN 'users' THEN CASE operation
      WHEN 'INSERT' THEN 'user_created'
      WHEN 'DELETE' THEN 'user_deleted'
      ELSE CASE WHEN after ? 'role' THEN 'role_changed' ELSE 'user_updated' END END
    WHEN 'teams' THEN CASE operation
      WHEN 'INSERT' THEN 'team_created' WHEN 'DELETE' THEN 'team_deleted' ELSE 'team_updated' END
    WHEN 'team_members' THEN CASE operation
      WHEN 'INSERT' THEN 'member_added' WHEN 'DELETE' THEN 'member_removed' ELSE 'role_changed' END
    WHEN 'mcp_servers' THEN CASE
      WHEN coalesce(after, before) ->> 'catalog_type' = 'predefined' THEN 'catalog_changed'
      WHEN operation = 'INSERT' THEN 'custom_server_added'
      WHEN operation = 'DELETE' THEN 'custom_server_removed'
      ELSE 'server_updated' END
    WHEN 'user_server_configs' THEN CASE
      WHEN operation = 'INSERT' THEN 'config_created'
      WHEN operation = 'DELETE' THEN 'config_deleted'
      WHEN after ? 'enabled' THEN CASE after ->> 'enabled' WHEN 'true' THEN 'server_enabled' ELSE 'server_disabled' END
      WHEN after ? 'key_version' AND after - '{key_version,encrypted_config}'::text[] = '{}'
        AND before -> 'key_version' <> 'null' AND after -> 'key_version' <> 'null' THEN 'config_reencrypted'
      ELSE 'config_updated' END
    WHEN 'user_sessions' THEN CASE
      WHEN operation = 'INSERT' THEN 'login'
      WHEN operation = 'UPDATE' THEN 'logout'
      WHEN (before ->> 'expires_at')::timestamptz < now()
        OR (before ->> 'last_activity')::timestamptz < now() - interval '30 minutes' THEN 'session_expired'
      ELSE 'logout' END
    WHEN 'encryption_keys' THEN CASE
      WHEN operation = 'INSERT' THEN 'key_created'
      WHEN after ->> 'state' = 'retiring' THEN 'key_rotated'
      ELSE 'key_retired' END
  END)::public.audit_action
$$;

CREATE FUNCTION internal.append_audit(of_action public.audit_action, of_team uuid, of_type text, of_resource uuid, before jsonb, after jsonb, more jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  actor uuid;
  role_name text;
  address inet;
  session uuid;
BEGIN
  -- Not in one CASE with the check: the planner would try the value before it is checked.
  IF pg_input_is_valid(current_setting('app.client_address', true), 'inet') THEN
    address := current_setting('app.client_address');
  END IF;
  IF pg_input_is_valid(current_setting('app.session_id', true), 'uuid') THEN
    session := current_setting('app.session_id');
  END IF;
  -- The schema `context` comes with the row security, which is declared and not migrated.
  IF to_regprocedure('context.subject()') IS NOT NULL THEN
    EXECUTE 'SELECT context.subject(), context.role()' INTO actor, role_name;
  END IF;
  INSERT INTO public.audit_logs (team_id, actor_id, actor_role, login, action, resource_type, resource_id,
    old_values, new_values, details, ip_address, user_agent, session_id)
  VALUES (of_team, actor,
    coalesce(role_name, nullif(current_setting('role', true), 'none'), session_user), session_user,
    of_action, of_type, of_resource, before, after, more,
    address, left(nullif(current_setting('app.user_agent', true), ''), 1000), session);
END
$$;

CREATE FUNCTION internal.archive_audit_logs(hot_days integer DEFAULT 30) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $_$
DECLARE
  partition text;
  start timestamptz;
  span text;
BEGIN
  IF hot_days < 30 THEN
    RAISE EXCEPTION 'hot_days is %; the audit log stays hot for 30 days at least', hot_days
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.audit_logs'::regclass AND c.relname ~ '^audit_logs_\d{4}_\d{2}$' ORDER BY 1
  LOOP
    start := to_date(right(partition, 7), 'YYYY_MM');
    EXIT WHEN start + interval '1 month' > now() - make_interval(days => hot_days);
    span := format('occurred_at >= %L AND occurred_at < %L', start, start + interval '1 month');
    EXECUTE format('ALTER TABLE internal.%I ADD CONSTRAINT month CHECK (%s) NOT VALID', partition, span);
    EXECUTE format('ALTER TABLE internal.%I VALIDATE CONSTRAINT month', partition);
    EXECUTE format('ALTER TABLE public.audit_logs DETACH PARTITION internal.%I', partition);
    EXECUTE format('ALTER TABLE public.audit_logs_archive ATTACH PARTITION internal.%I FOR VALUES FROM (%L) TO (%L)',
      partition, start, start + interval '1 month');
    EXECUTE format('ALTER TABLE internal.%I DROP CONSTRAINT month', partition);
    RETURN NEXT partition;
  END LOOP;
END
$_$;

CREATE FUNCTION internal.clean_sessions(batch integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $$
DECLARE
  gone bigint;
BEGIN
  WITH expired AS MATERIALIZED (
    SELECT id FROM public.user_sessions WHERE expires_at < now() LIMIT batch FOR UPDATE SKIP LOCKED
  ), idle AS MATERIALIZED (
    SELECT id FROM public.user_sessions
      WHERE is_active AND last_activity < now() - interval '30 minutes' LIMIT batch FOR UPDATE SKIP LOCKED
  )
  DELETE FROM public.user_sessions s USING (SELECT id FROM expired UNION SELECT id FROM idle) ended
    WHERE s.id = ended.id;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

CREATE FUNCTION internal.complete_config() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION internal.empty_audit_default(start timestamp with time zone, partition text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
BEGIN
  -- Detached, it loses the parent's triggers: only so can rows leave it. Nobody sees a moment without it.
  ALTER TABLE public.audit_logs DETACH PARTITION internal.audit_logs_default;
  EXECUTE format('CREATE TABLE internal.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
    partition, start, start + interval '1 month');
  EXECUTE format('WITH moved AS (DELETE FROM internal.audit_logs_default WHERE occurred_at >= $1 AND occurred_at < $2
    RETURNING *) INSERT INTO internal.%I SELECT * FROM moved', partition) USING start, start + interval '1 month';
  ALTER TABLE public.audit_logs ATTACH PARTITION internal.audit_logs_default DEFAULT;
END
$_$;

CREATE FUNCTION internal.keep_no_statistics(log regclass, month regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  quiet name;
BEGIN
  FOR quiet IN SELECT attname FROM pg_attribute WHERE attrelid = log AND attstattarget = 0 AND attnum > 0 AND NOT attisdropped
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', month, quiet);
  END LOOP;
END
$$;

CREATE FUNCTION internal.make_audit_partitions(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $$
DECLARE
  first timestamptz := date_trunc('month', now());
  start timestamptz;
  partition text;
BEGIN
  -- Months that came before this function first ran, or while it did not run.
  SELECT least(first, date_trunc('month', min(occurred_at))) INTO first FROM internal.audit_logs_default;
  FOR start IN SELECT generate_series(first, date_trunc('month', now()) + make_interval(months => months_ahead), '1 month')
  LOOP
    partition := 'audit_logs_' || to_char(start, 'YYYY_MM');
    CONTINUE WHEN to_regclass('internal.' || partition) IS NOT NULL;
    IF EXISTS (SELECT FROM internal.audit_logs_default
        WHERE occurred_at >= start AND occurred_at < start + interval '1 month') THEN
      PERFORM internal.empty_audit_default(start, partition);
    ELSE
      EXECUTE format('CREATE TABLE internal.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
        partition, start, start + interval '1 month');
    END IF;
    PERFORM internal.keep_no_statistics('public.audit_logs', format('internal.%I', partition)::regclass);
    RETURN NEXT partition;
  END LOOP;
END
$$;

CREATE FUNCTION internal.purge_audit_archive() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $$
DECLARE
  partition text;
  gone bigint;
  total bigint := 0;
  empty boolean;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.audit_logs_archive'::regclass ORDER BY 1
  LOOP
    EXECUTE format('DELETE FROM internal.%I l USING public.audit_retention r
      WHERE r.action = l.action AND l.occurred_at < now() - make_interval(days => r.keep_days)', partition);
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM internal.%I)', partition) INTO empty;
    IF empty THEN
      EXECUTE format('DROP TABLE internal.%I', partition);
    END IF;
  END LOOP;
  RETURN total;
END
$$;

CREATE FUNCTION internal.record_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  whole jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - string_to_array(TG_ARGV[3], ',') END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - string_to_array(TG_ARGV[3], ',') END;
  action public.audit_action;
  same text[];
  secret text;
BEGIN
  action := CASE WHEN TG_OP <> 'UPDATE' THEN
    internal.action_of(TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW)) END;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(key), '{}') INTO same FROM jsonb_each(before) WHERE after -> key = value;
    before := before - same;
    after := after - same;
    IF after = '{}' THEN
      RETURN NULL;
    END IF;
    action := internal.action_of(TG_TABLE_NAME, TG_OP, before, after);
    -- The unchanged type of the server is not among what changed.
    IF action = 'server_updated' AND whole ->> 'catalog_type' = 'predefined' THEN
      action := 'catalog_changed';
    END IF;
  END IF;
  FOREACH secret IN ARRAY string_to_array(TG_ARGV[2], ',') LOOP
    IF before -> secret <> 'null' THEN
      before := jsonb_set(before, ARRAY[secret], '"[redacted]"');
    END IF;
    IF after -> secret <> 'null' THEN
      after := jsonb_set(after, ARRAY[secret], '"[redacted]"');
    END IF;
  END LOOP;
  PERFORM internal.append_audit(action, (whole ->> nullif(TG_ARGV[1], ''))::uuid, TG_TABLE_NAME,
    (whole ->> nullif(TG_ARGV[0], ''))::uuid, before, after, NULL);
  RETURN NULL;
END
$$;

CREATE FUNCTION internal.refresh_server_usage() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF (SELECT relispopulated FROM pg_class WHERE oid = 'public.server_usage'::regclass) THEN
    REFRESH MATERIALIZED VIEW CONCURRENTLY public.server_usage;
  ELSE
    REFRESH MATERIALIZED VIEW public.server_usage;
  END IF;
END
$$;

CREATE FUNCTION internal.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION internal.row_key(team_key bytea, config uuid, version integer, purpose text) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF octet_length(team_key) <> 32 THEN
    RAISE EXCEPTION 'the key must have 32 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN public.hmac(convert_to(purpose || ':' || config || ':' || version, 'UTF8'), team_key, 'sha256');
END
$$;

CREATE FUNCTION internal.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE TABLE public.user_server_configs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    server_id uuid NOT NULL,
    catalog_team_id uuid NOT NULL,
    enabled boolean DEFAULT false NOT NULL,
    container_id text,
    container_state public.container_state,
    encrypted_config bytea,
    key_version integer,
    key_usable boolean GENERATED ALWAYS AS (true) STORED NOT NULL,
    config_metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    last_state_change timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_server_configs_config_metadata_check CHECK ((jsonb_typeof(config_metadata) = 'object'::text)),
    CONSTRAINT user_server_configs_container_id_check CHECK ((length(container_id) <= 255)),
    CONSTRAINT user_server_configs_sealed CHECK (((encrypted_config IS NULL) = (key_version IS NULL))),
    CONSTRAINT user_server_configs_server_of_team CHECK (((catalog_team_id = team_id) OR (catalog_team_id = '00000000-0000-0000-0000-000000000000'::uuid)))
);

CREATE MATERIALIZED VIEW public.server_usage AS
 SELECT team_id,
    server_id,
    count(*) AS users,
    count(*) FILTER (WHERE enabled) AS active_users,
    count(*) FILTER (WHERE (container_state = 'running'::public.container_state)) AS running_instances,
    max(updated_at) AS last_change,
    now() AS refreshed_at
   FROM public.user_server_configs c
  GROUP BY team_id, server_id
  WITH NO DATA;

CREATE FUNCTION public.all_server_usage() RETURNS SETOF public.server_usage
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage WHERE context.role() = 'mcp_portal_superadmin';
END
$$;

CREATE FUNCTION public.identity_of(wanted_user uuid, wanted_team uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT CASE
    WHEN u.role = 'super_admin' THEN 'superadmin'
    WHEN m.role = 'admin' OR (u.role = 'team_admin' AND m.team_id = u.team_id) THEN 'admin'
    WHEN m.role = 'member' THEN 'member'
  END
  FROM public.users u
  JOIN public.teams t ON t.id = wanted_team AND t.is_active
  LEFT JOIN public.team_members m ON m.user_id = u.id AND m.team_id = wanted_team
  WHERE u.id = wanted_user AND u.is_active
$$;

CREATE FUNCTION public.open_secret(sealed bytea, team_key bytea, config uuid, version integer) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  message bytea := substring(sealed FROM 33);
BEGIN
  IF substring(sealed FROM 1 FOR 32)
      <> public.hmac(message, internal.row_key(team_key, config, version, 'authenticate'), 'sha256') THEN
    RAISE EXCEPTION 'the setting cannot be opened: wrong key, or changed' USING ERRCODE = 'data_corrupted';
  END IF;
  RETURN public.pgp_sym_decrypt(message, encode(internal.row_key(team_key, config, version, 'seal'), 'hex'));
END
$$;

CREATE FUNCTION public.record_event(event public.audit_action, on_type text, on_resource uuid, more jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
  team uuid := context.tenant();
BEGIN
  IF context.subject() IS NULL
    OR coalesce(context.role(), '') NOT IN ('mcp_portal_member', 'mcp_portal_admin', 'mcp_portal_superadmin') THEN
    RAISE EXCEPTION 'no valid context' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF event NOT IN ('config_exported', 'config_imported', 'bulk_enable', 'bulk_disable') THEN
    RAISE EXCEPTION '% is recorded by the change itself', event USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF length(on_type) > 63 OR octet_length(more::text) > 8192 THEN
    RAISE EXCEPTION 'the event is longer than 8 kB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  IF jsonb_path_exists(more, '$.**{33}') THEN
    RAISE EXCEPTION 'the event is nested more than 32 levels deep' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  PERFORM internal.append_audit(event, team, on_type, on_resource, NULL, NULL, more);
END
$_$;

CREATE FUNCTION public.seal_secret(plain text, team_key bytea, config uuid, version integer) RETURNS bytea
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  message bytea := public.pgp_sym_encrypt(plain, encode(internal.row_key(team_key, config, version, 'seal'), 'hex'),
    -- The passphrase is 256 random bits: stretching it would cost milliseconds and gain nothing.
    'cipher-algo=aes256, s2k-mode=1, s2k-digest-algo=sha256, compress-algo=0');
BEGIN
  RETURN public.hmac(message, internal.row_key(team_key, config, version, 'authenticate'), 'sha256') || message;
END
$$;

CREATE FUNCTION public.search_servers(words text, with_tags text[] DEFAULT '{}'::text[], most integer DEFAULT 50) RETURNS TABLE(id uuid, team_id uuid, name text, display_name text, description text, tags text[], rank real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  team uuid := context.tenant();
  wanted tsquery := websearch_to_tsquery('pg_catalog.english', words);
BEGIN
  IF context.role() IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT s.id, s.team_id, s.name, s.display_name, s.description, s.tags, ts_rank(s.search, wanted)
    FROM public.mcp_servers s
    WHERE s.is_active AND (s.team_id IS NULL OR s.team_id = team)
      AND (words = '' OR s.search @@ wanted) AND (with_tags = '{}' OR s.tags @> with_tags)
    ORDER BY ts_rank(s.search, wanted) DESC, s.name
    LIMIT least(most, 200);
END
$$;

CREATE FUNCTION public.team_server_usage() RETURNS SETOF public.server_usage
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  team uuid := context.tenant();
BEGIN
  RETURN QUERY SELECT * FROM public.server_usage u WHERE u.team_id = team AND context.role() = 'mcp_portal_admin';
END
$$;

CREATE TABLE public.audit_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    team_id uuid,
    actor_id uuid,
    actor_role text NOT NULL,
    login text NOT NULL,
    action public.audit_action NOT NULL,
    resource_type text NOT NULL,
    resource_id uuid,
    old_values jsonb,
    new_values jsonb,
    details jsonb,
    ip_address inet,
    user_agent text,
    session_id uuid
)
PARTITION BY RANGE (occurred_at);

CREATE TABLE internal.audit_logs_default (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    team_id uuid,
    actor_id uuid,
    actor_role text NOT NULL,
    login text NOT NULL,
    action public.audit_action NOT NULL,
    resource_type text NOT NULL,
    resource_id uuid,
    old_values jsonb,
    new_values jsonb,
    details jsonb,
    ip_address inet,
    user_agent text,
    session_id uuid
);

CREATE TABLE public.audit_logs_archive (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    team_id uuid,
    actor_id uuid,
    actor_role text NOT NULL,
    login text NOT NULL,
    action public.audit_action NOT NULL,
    resource_type text NOT NULL,
    resource_id uuid,
    old_values jsonb,
    new_values jsonb,
    details jsonb,
    ip_address inet,
    user_agent text,
    session_id uuid
)
PARTITION BY RANGE (occurred_at);

CREATE TABLE public.audit_retention (
    action public.audit_action NOT NULL,
    keep_days integer NOT NULL,
    CONSTRAINT audit_retention_keep_days_check CHECK (((keep_days >= 30) AND (keep_days <= 3650)))
);

CREATE TABLE public.encryption_keys (
    version integer NOT NULL,
    state public.key_state DEFAULT 'active'::public.key_state NOT NULL,
    usable boolean GENERATED ALWAYS AS ((state <> 'retired'::public.key_state)) STORED NOT NULL,
    wrapped_with text NOT NULL,
    wrapped_key bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    rotated_at timestamp with time zone,
    retired_at timestamp with time zone,
    CONSTRAINT encryption_keys_retired_is_destroyed CHECK ((((state = 'retired'::public.key_state) = (wrapped_key IS NULL)) AND ((state = 'retired'::public.key_state) = (retired_at IS NOT NULL)))),
    CONSTRAINT encryption_keys_rotated CHECK (((state = 'active'::public.key_state) = (rotated_at IS NULL))),
    CONSTRAINT encryption_keys_version_check CHECK ((version > 0)),
    CONSTRAINT encryption_keys_wrapped_key_check CHECK ((octet_length(wrapped_key) = 60)),
    CONSTRAINT encryption_keys_wrapped_with_check CHECK ((wrapped_with ~ '^[0-9a-f]{16}$'::text))
);

CREATE TABLE public.mcp_servers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    team_id uuid,
    catalog_team_id uuid GENERATED ALWAYS AS (COALESCE(team_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED NOT NULL,
    name text NOT NULL,
    display_name text,
    description text,
    image text NOT NULL,
    catalog_type public.catalog_type DEFAULT 'predefined'::public.catalog_type NOT NULL,
    category text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    version text,
    created_by uuid,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    search tsvector GENERATED ALWAYS AS (((setweight(to_tsvector('english'::regconfig, ((name || ' '::text) || COALESCE(display_name, ''::text))), 'A'::"char") || setweight(to_tsvector('english'::regconfig, COALESCE(description, ''::text)), 'B'::"char")) || setweight(to_tsvector('english'::regconfig, COALESCE(category, ''::text)), 'C'::"char"))) STORED NOT NULL,
    CONSTRAINT mcp_servers_category_check CHECK ((length(category) <= 100)),
    CONSTRAINT mcp_servers_custom_has_team CHECK (((catalog_type = 'custom'::public.catalog_type) = (team_id IS NOT NULL))),
    CONSTRAINT mcp_servers_display_name_check CHECK ((length(display_name) <= 255)),
    CONSTRAINT mcp_servers_image_check CHECK (((length(image) >= 1) AND (length(image) <= 500))),
    CONSTRAINT mcp_servers_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT mcp_servers_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,254}$'::text)),
    CONSTRAINT mcp_servers_version_check CHECK ((length(version) <= 50))
);

CREATE TABLE public.team_members (
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role public.team_role DEFAULT 'member'::public.team_role NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.teams (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    description text,
    created_by uuid,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT teams_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);

CREATE TABLE public.user_sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    refresh_token_hash bytea,
    ip_address inet,
    user_agent text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_activity timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    CONSTRAINT user_sessions_expires_later CHECK ((expires_at > created_at)),
    CONSTRAINT user_sessions_refresh_token_hash_check CHECK ((octet_length(refresh_token_hash) = 32)),
    CONSTRAINT user_sessions_token_hash_check CHECK ((octet_length(token_hash) = 32)),
    CONSTRAINT user_sessions_user_agent_check CHECK ((length(user_agent) <= 1000))
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    team_id uuid NOT NULL,
    azure_oid text NOT NULL,
    email text NOT NULL,
    display_name text,
    role public.portal_role DEFAULT 'standard_user'::public.portal_role NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    last_login_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_azure_oid_check CHECK (((length(azure_oid) >= 1) AND (length(azure_oid) <= 255))),
    CONSTRAINT users_display_name_check CHECK ((length(display_name) <= 255)),
    CONSTRAINT users_email_check CHECK (((email ~ '^[^@\s]+@[^@\s]+$'::text) AND (length(email) <= 320))),
    CONSTRAINT users_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text))
);

ALTER TABLE ONLY public.audit_logs ATTACH PARTITION internal.audit_logs_default DEFAULT;

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id, occurred_at);

ALTER TABLE ONLY internal.audit_logs_default
    ADD CONSTRAINT audit_logs_default_pkey PRIMARY KEY (id, occurred_at);

ALTER TABLE ONLY public.audit_logs_archive
    ADD CONSTRAINT audit_logs_archive_pkey PRIMARY KEY (id, occurred_at);

ALTER TABLE ONLY public.audit_retention
    ADD CONSTRAINT audit_retention_pkey PRIMARY KEY (action);

ALTER TABLE ONLY public.encryption_keys
    ADD CONSTRAINT encryption_keys_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.encryption_keys
    ADD CONSTRAINT encryption_keys_version_usable_key UNIQUE (version, usable);

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_catalog_key UNIQUE (id, catalog_team_id);

ALTER TABLE public.mcp_servers
    ADD CONSTRAINT mcp_servers_metadata_depth_check CHECK ((NOT jsonb_path_exists(metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_name_key UNIQUE (catalog_team_id, name);

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id);

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);

ALTER TABLE public.user_server_configs
    ADD CONSTRAINT user_server_configs_config_metadata_depth_check CHECK ((NOT jsonb_path_exists(config_metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.user_server_configs
    ADD CONSTRAINT user_server_configs_key UNIQUE (team_id, user_id, server_id);

ALTER TABLE ONLY public.user_server_configs
    ADD CONSTRAINT user_server_configs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_refresh_token_hash_key UNIQUE (refresh_token_hash);

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_azure_oid_key UNIQUE (azure_oid);

ALTER TABLE public.users
    ADD CONSTRAINT users_metadata_depth_check CHECK ((NOT jsonb_path_exists(metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX audit_logs_actor_idx ON ONLY public.audit_logs USING btree (actor_id, action, occurred_at DESC);

CREATE INDEX audit_logs_default_actor_id_action_occurred_at_idx ON internal.audit_logs_default USING btree (actor_id, action, occurred_at DESC);

CREATE INDEX audit_logs_new_values_idx ON ONLY public.audit_logs USING gin (new_values jsonb_path_ops);

CREATE INDEX audit_logs_default_new_values_idx ON internal.audit_logs_default USING gin (new_values jsonb_path_ops);

CREATE INDEX audit_logs_time_idx ON ONLY public.audit_logs USING brin (occurred_at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX audit_logs_default_occurred_at_idx ON internal.audit_logs_default USING brin (occurred_at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX audit_logs_resource_idx ON ONLY public.audit_logs USING btree (resource_id, occurred_at DESC);

CREATE INDEX audit_logs_default_resource_id_occurred_at_idx ON internal.audit_logs_default USING btree (resource_id, occurred_at DESC);

CREATE INDEX audit_logs_team_idx ON ONLY public.audit_logs USING btree (team_id, occurred_at DESC);

CREATE INDEX audit_logs_default_team_id_occurred_at_idx ON internal.audit_logs_default USING btree (team_id, occurred_at DESC);

CREATE INDEX audit_logs_archive_actor_idx ON ONLY public.audit_logs_archive USING btree (actor_id, action, occurred_at DESC);

CREATE INDEX audit_logs_archive_team_idx ON ONLY public.audit_logs_archive USING btree (team_id, occurred_at DESC);

CREATE UNIQUE INDEX encryption_keys_one_active_key ON public.encryption_keys USING btree (state) WHERE (state = 'active'::public.key_state);

CREATE INDEX mcp_servers_created_by_idx ON public.mcp_servers USING btree (created_by) WHERE (created_by IS NOT NULL);

CREATE INDEX mcp_servers_search_idx ON public.mcp_servers USING gin (search) WITH (fastupdate=off);

CREATE INDEX mcp_servers_tags_idx ON public.mcp_servers USING gin (tags) WITH (fastupdate=off);

CREATE INDEX mcp_servers_team_idx ON public.mcp_servers USING btree (team_id);

CREATE UNIQUE INDEX server_usage_key ON public.server_usage USING btree (team_id, server_id);

CREATE INDEX team_members_user_idx ON public.team_members USING btree (user_id);

CREATE INDEX teams_created_by_idx ON public.teams USING btree (created_by) WHERE (created_by IS NOT NULL);

CREATE UNIQUE INDEX teams_name_key ON public.teams USING btree (lower(name));

CREATE INDEX user_server_configs_container_idx ON public.user_server_configs USING btree (container_state, last_state_change) WHERE (container_state = ANY (ARRAY['pending'::public.container_state, 'creating'::public.container_state, 'stopping'::public.container_state, 'error'::public.container_state]));

CREATE INDEX user_server_configs_enabled_idx ON public.user_server_configs USING btree (team_id, user_id) WHERE enabled;

CREATE INDEX user_server_configs_key_idx ON public.user_server_configs USING btree (key_version, team_id, id) WHERE (key_version IS NOT NULL);

CREATE INDEX user_server_configs_server_idx ON public.user_server_configs USING btree (server_id, catalog_team_id);

CREATE INDEX user_server_configs_user_idx ON public.user_server_configs USING btree (user_id);

CREATE INDEX user_sessions_active_idx ON public.user_sessions USING btree (user_id, expires_at) WHERE is_active;

CREATE INDEX user_sessions_expires_idx ON public.user_sessions USING btree (expires_at);

CREATE INDEX user_sessions_idle_idx ON public.user_sessions USING btree (last_activity) WHERE is_active;

CREATE INDEX user_sessions_member_idx ON public.user_sessions USING btree (team_id, user_id);

CREATE INDEX users_email_idx ON public.users USING btree (lower(email));

CREATE INDEX users_privileged_idx ON public.users USING btree (role) WHERE (is_active AND (role <> 'standard_user'::public.portal_role));

CREATE INDEX users_team_active_idx ON public.users USING btree (team_id, display_name) WHERE is_active;

CREATE INDEX users_team_idx ON public.users USING btree (team_id);

ALTER INDEX public.audit_logs_actor_idx ATTACH PARTITION internal.audit_logs_default_actor_id_action_occurred_at_idx;

ALTER INDEX public.audit_logs_new_values_idx ATTACH PARTITION internal.audit_logs_default_new_values_idx;

ALTER INDEX public.audit_logs_time_idx ATTACH PARTITION internal.audit_logs_default_occurred_at_idx;

ALTER INDEX public.audit_logs_pkey ATTACH PARTITION internal.audit_logs_default_pkey;

ALTER INDEX public.audit_logs_resource_idx ATTACH PARTITION internal.audit_logs_default_resource_id_occurred_at_idx;

ALTER INDEX public.audit_logs_team_idx ATTACH PARTITION internal.audit_logs_default_team_id_occurred_at_idx;

CREATE OR REPLACE VIEW public.server_statistics WITH (security_invoker='true') AS
 SELECT s.id AS server_id,
    s.team_id,
    s.name,
    s.catalog_type,
    count(DISTINCT c.user_id) AS total_users,
    count(DISTINCT c.user_id) FILTER (WHERE c.enabled) AS active_users,
    count(DISTINCT c.user_id) FILTER (WHERE (c.container_state = 'running'::public.container_state)) AS running_instances
   FROM (public.mcp_servers s
     LEFT JOIN public.user_server_configs c ON (((c.server_id = s.id) AND (c.catalog_team_id = s.catalog_team_id))))
  GROUP BY s.id;

CREATE OR REPLACE VIEW public.user_dashboard WITH (security_invoker='true') AS
 SELECT u.id AS user_id,
    u.team_id,
    u.email,
    u.display_name,
    u.role,
    count(c.id) AS total_servers,
    count(c.id) FILTER (WHERE c.enabled) AS enabled_servers,
    count(c.id) FILTER (WHERE (c.container_state = 'running'::public.container_state)) AS running_servers
   FROM (public.users u
     LEFT JOIN public.user_server_configs c ON (((c.user_id = u.id) AND (c.team_id = u.team_id))))
  GROUP BY u.id;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit_logs FOR EACH ROW EXECUTE FUNCTION internal.refuse_change();

CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_change();

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.encryption_keys FOR EACH ROW EXECUTE FUNCTION internal.record_change('', '', 'wrapped_key', 'usable');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION internal.record_change('id', 'team_id', '', 'updated_at,search,catalog_team_id');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.team_members FOR EACH ROW EXECUTE FUNCTION internal.record_change('user_id', 'team_id', '', 'updated_at');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION internal.record_change('id', 'id', '', 'updated_at');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.user_server_configs FOR EACH ROW EXECUTE FUNCTION internal.record_change('id', 'team_id', 'encrypted_config', 'updated_at,catalog_team_id,key_usable');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF is_active ON public.user_sessions FOR EACH ROW EXECUTE FUNCTION internal.record_change('id', 'team_id', 'token_hash,refresh_token_hash', '');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.record_change('id', 'team_id', '', 'updated_at,last_login_at');

CREATE TRIGGER complete BEFORE INSERT OR UPDATE OF container_state ON public.user_server_configs FOR EACH ROW EXECUTE FUNCTION internal.complete_config();

CREATE TRIGGER updated_at BEFORE UPDATE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER updated_at BEFORE UPDATE ON public.team_members FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER updated_at BEFORE UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER updated_at BEFORE UPDATE ON public.user_server_configs FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.user_server_configs
    ADD CONSTRAINT user_server_configs_key_fkey FOREIGN KEY (key_version, key_usable) REFERENCES public.encryption_keys(version, usable);

ALTER TABLE ONLY public.user_server_configs
    ADD CONSTRAINT user_server_configs_member_fkey FOREIGN KEY (team_id, user_id) REFERENCES public.team_members(team_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_server_configs
    ADD CONSTRAINT user_server_configs_server_fkey FOREIGN KEY (server_id, catalog_team_id) REFERENCES public.mcp_servers(id, catalog_team_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_sessions
    ADD CONSTRAINT user_sessions_member_fkey FOREIGN KEY (team_id, user_id) REFERENCES public.team_members(team_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_team_id_fkey FOREIGN KEY (team_id) REFERENCES public.teams(id);
