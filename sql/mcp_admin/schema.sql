CREATE SCHEMA internal;

CREATE TYPE public.membership_role AS ENUM (
    'ADMIN',
    'MEMBER',
    'VIEWER'
);

CREATE FUNCTION internal.keep_admin() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF row_security_active(TG_RELID) AND context.role() IS DISTINCT FROM 'svc_mcp_admin' AND (TG_OP = 'DELETE'
      OR (NEW.organization_id, NEW.role, NEW.deleted_at) IS DISTINCT FROM (OLD.organization_id, OLD.role, OLD.deleted_at)) THEN
    PERFORM FROM public.organization_memberships
      WHERE organization_id = OLD.organization_id AND id <> OLD.id AND role = 'ADMIN' AND deleted_at IS NULL
      LIMIT 1 FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'an organisation keeps an admin' USING ERRCODE = 'insufficient_privilege';
    END IF;
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

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

CREATE FUNCTION internal.maintain_log(log regclass, time_column name, keep interval) RETURNS TABLE(partition text, event text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $_$
DECLARE
  log_name CONSTANT text := (SELECT relname FROM pg_class WHERE oid = log);
  rest CONSTANT text := format('internal.%I', log_name || '_default');
  month timestamptz;
  oldest timestamptz;
BEGIN
  -- One at a time; a second one finds the work done. Nobody else can lock what is in this schema, nor does a lock of its log conflict.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', rest);
  -- A time that somebody made up makes no months.
  EXECUTE format('DELETE FROM %s WHERE %I < $1', rest, time_column)
    USING date_trunc('month', now() - keep);
  EXECUTE format('SELECT min(%I) FROM %s', time_column, rest) INTO oldest;
  FOR month IN SELECT generate_series(
    date_trunc('month', least(oldest, now())), date_trunc('month', now()) + interval '3 months', interval '1 month')
  LOOP
    partition := log_name || to_char(month, '"_y"YYYY"m"MM');
    CONTINUE WHEN to_regclass(format('internal.%I', partition)) IS NOT NULL;
    EXECUTE format('CREATE TABLE internal.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, log);
    EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %I >= $1 AND %2$I < $2 RETURNING *)
      INSERT INTO internal.%3$I SELECT * FROM moved', rest, time_column, partition)
      USING month, month + interval '1 month';
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION internal.%I FOR VALUES FROM (%L) TO (%L)',
      log, partition, month, month + interval '1 month');
    PERFORM internal.keep_no_statistics(log, format('internal.%I', partition)::regclass);
    event := 'made';
    RETURN NEXT;
  END LOOP;
  FOR partition, month IN
    SELECT child.relname, to_date(right(child.relname, 7), 'YYYY"m"MM')::timestamptz
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = log AND child.relname ~ '_y\d{4}m\d{2}$'
    ORDER BY child.relname
  LOOP
    CONTINUE WHEN month + interval '1 month' > now() - keep;
    EXECUTE format('DROP TABLE internal.%I', partition);
    event := 'dropped';
    RETURN NEXT;
  END LOOP;
END
$_$;

CREATE FUNCTION internal.refuse_anonymized() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM public.users WHERE id = NEW.user_id AND anonymized_at IS NOT NULL) THEN
    RAISE EXCEPTION 'who was anonymised does not return' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION internal.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION internal.refuse_own_role() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.user_id, NEW.role, NEW.deleted_at)
      IS NOT DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role, OLD.deleted_at) THEN
    RETURN NEW;
  END IF;
  IF row_security_active(TG_RELID) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'a role is given or taken in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  IF NEW.user_id IS NOT DISTINCT FROM context.subject() AND (TG_OP = 'INSERT' OR NEW.deleted_at IS NULL
      OR (NEW.organization_id, NEW.user_id, NEW.role) IS DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role)) THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
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

CREATE FUNCTION internal.stamp_deletion() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.deleted_at := coalesce(CASE WHEN TG_OP = 'UPDATE' THEN OLD.deleted_at END, clock_timestamp());
  RETURN NEW;
END
$$;

CREATE FUNCTION internal.stamp_revocation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL THEN
    RAISE EXCEPTION 'a key that was revoked stays revoked' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.revoked_at := clock_timestamp();
  RETURN NEW;
END
$$;

CREATE FUNCTION internal.stay_anonymized() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  RAISE EXCEPTION 'who was anonymised does not return' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION internal.without_secrets(value jsonb, levels integer) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
BEGIN
  IF levels = 0 AND jsonb_typeof(value) IN ('object', 'array') THEN
    RETURN '"[too deep]"';
  END IF;
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN (
      SELECT coalesce(jsonb_object_agg(entry.key, CASE
        WHEN entry.value = 'null' THEN entry.value
        WHEN entry.key ~* '(^configuration$|passw|passphrase|pwd|secret|token|credential|authori[sz]ation|bearer|assertion|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$|^dsn$)'
          THEN '"[secret]"'
        ELSE internal.without_secrets(entry.value, levels - 1) END), '{}')
      FROM jsonb_each(value) entry)
    WHEN 'array' THEN (
      SELECT coalesce(jsonb_agg(internal.without_secrets(item.value, levels - 1) ORDER BY item.ordinality), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY item)
    ELSE value END;
END
$_$;

CREATE FUNCTION internal.write_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
  personal CONSTANT text[] := string_to_array(coalesce(TG_ARGV[0], ''), ',');
  unimportant CONSTANT text[] := string_to_array(coalesce(TG_ARGV[1], ''), ',') || 'updated_at'::text;
  before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  whole CONSTANT jsonb := coalesce(after_row, before_row);
  changed text[];
  kept text[];
  event text := TG_OP;
  client CONSTANT text := nullif(current_setting('request.ip_address', true), '');
  address inet;
BEGIN
  SELECT array_agg(key) INTO kept FROM jsonb_object_keys(whole) key;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(key), '{}') INTO changed FROM unnest(kept) key
      WHERE key <> ALL (unimportant) AND after_row -> key IS DISTINCT FROM before_row -> key;
    IF changed = '{}' THEN
      RETURN NULL;
    END IF;
    -- Keys stay, changed or not: they say which row it was.
    SELECT array_agg(key) INTO kept FROM unnest(kept) key WHERE key = ANY (changed) OR key = 'id' OR key ~ '_id$';
    event := CASE
      WHEN 'anonymized_at' = ANY (changed) AND before_row ->> 'anonymized_at' IS NULL THEN 'ANONYMIZE'
      WHEN 'deleted_at' = ANY (changed) AND before_row ->> 'deleted_at' IS NULL THEN 'SOFT_DELETE'
      WHEN 'deleted_at' = ANY (changed) AND after_row ->> 'deleted_at' IS NULL THEN 'RESTORE'
      ELSE 'UPDATE' END;
  END IF;

  SELECT
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND before_row -> key <> 'null' THEN '"[personal]"' ELSE before_row -> key END)
      FILTER (WHERE before_row IS NOT NULL),
    jsonb_object_agg(key, CASE WHEN key = ANY (personal) AND after_row -> key <> 'null' THEN '"[personal]"' ELSE after_row -> key END)
      FILTER (WHERE after_row IS NOT NULL)
    INTO before_row, after_row FROM unnest(kept) key;

  -- A statement of its own: inside of a CASE the planner would try the cast before the condition.
  IF pg_input_is_valid(client, 'inet') THEN
    address := client;
  END IF;
  INSERT INTO public.audit_logs
    (organization_id, user_id, action, target_table, target_id, old_value, new_value, ip_address, user_agent)
  VALUES (
    (CASE WHEN TG_TABLE_NAME = 'organizations' THEN whole ->> 'id' ELSE whole ->> 'organization_id' END)::uuid,
    context.subject(),
    event,
    TG_TABLE_NAME,
    (whole ->> 'id')::uuid,
    internal.without_secrets(before_row, 40),
    internal.without_secrets(after_row, 40),
    address,
    left(nullif(current_setting('request.user_agent', true), ''), 512));
  RETURN NULL;
END
$_$;

CREATE FUNCTION public.anonymize_user(wanted uuid) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  PERFORM public.demand_context('public.users');
  UPDATE public.users SET
    clerk_id = 'user_anonymized' || replace(id::text, '-', ''),
    email = 'anonymized_' || id || '@deleted.invalid',
    display_name = '',
    deleted_at = coalesce(deleted_at, now()),
    anonymized_at = now()
  WHERE id = wanted AND anonymized_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM public.sessions WHERE user_id = wanted;
  UPDATE public.organization_memberships SET
    clerk_id = 'orgmem_anonymized' || replace(id::text, '-', ''),
    deleted_at = coalesce(deleted_at, now())
  WHERE user_id = wanted;
  RETURN true;
END
$$;

CREATE FUNCTION public.delete_expired_api_keys(batch integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.api_keys');
  DELETE FROM public.api_keys WHERE id IN (
    SELECT id FROM public.api_keys WHERE expires_at <= now() - interval '30 days'
    ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

CREATE FUNCTION public.delete_expired_sessions(batch integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.sessions');
  DELETE FROM public.sessions WHERE id IN (
    SELECT id FROM public.sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT batch FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;

CREATE FUNCTION public.demand_context(guarded regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
  IF row_security_active(guarded) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'clean-up needs a signed context of its role' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

CREATE FUNCTION public.maintain_logs() RETURNS TABLE(partition text, event text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $$
BEGIN
  IF current_setting('is_superuser') = 'off' AND context.role() IS DISTINCT FROM 'svc_mcp_admin' THEN
    RAISE EXCEPTION 'the months are made in a signed context of the service' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN QUERY SELECT * FROM internal.maintain_log('public.audit_logs', 'created_at', interval '7 years');
END
$$;

CREATE FUNCTION public.purge_deleted() RETURNS TABLE(table_name text, purged bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $_$
DECLARE
  place tid;
  went bigint;
BEGIN
  PERFORM public.demand_context('public.users');
  FOREACH table_name IN ARRAY ARRAY['organization_memberships', 'organizations', 'users']
  LOOP
    purged := 0;
    FOR place IN EXECUTE format('SELECT ctid FROM public.%I gone WHERE deleted_at <= now() - interval ''7 years'' FOR UPDATE SKIP LOCKED', table_name)
    LOOP
      BEGIN
        EXECUTE format('DELETE FROM public.%I WHERE ctid = $1', table_name) USING place;
        GET DIAGNOSTICS went = ROW_COUNT;
        purged := purged + went;
      EXCEPTION
        -- The context has ended, or is another one: nothing else would go either.
        WHEN insufficient_privilege THEN RAISE;
        WHEN OTHERS THEN RAISE WARNING 'a row of % stays: error %', table_name, SQLSTATE;
      END;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END
$_$;

CREATE TABLE public.audit_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    user_id uuid,
    action text NOT NULL,
    target_table text NOT NULL,
    target_id uuid,
    old_value jsonb,
    new_value jsonb,
    ip_address inet,
    user_agent text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT audit_logs_action_check CHECK ((action = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text, 'SOFT_DELETE'::text, 'RESTORE'::text, 'ANONYMIZE'::text])))
)
PARTITION BY RANGE (created_at);

CREATE TABLE internal.audit_logs_default (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    user_id uuid,
    action text NOT NULL,
    target_table text NOT NULL,
    target_id uuid,
    old_value jsonb,
    new_value jsonb,
    ip_address inet,
    user_agent text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT audit_logs_action_check CHECK ((action = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text, 'SOFT_DELETE'::text, 'RESTORE'::text, 'ANONYMIZE'::text])))
);

CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    created_by uuid,
    name text NOT NULL,
    key_prefix text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    usage_count bigint DEFAULT 0 NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_keys_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT api_keys_key_prefix_check CHECK (((char_length(key_prefix) >= 4) AND (char_length(key_prefix) <= 12))),
    CONSTRAINT api_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT api_keys_usage_count_check CHECK ((usage_count >= 0))
);

CREATE TABLE public.mcp_servers (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    version text DEFAULT '1.0.0'::text NOT NULL,
    capabilities text[] DEFAULT '{}'::text[] NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT mcp_servers_name_check CHECK (((name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (char_length(name) <= 100)))
);

CREATE TABLE public.organization_memberships (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    clerk_id text NOT NULL,
    role public.membership_role DEFAULT 'MEMBER'::public.membership_role NOT NULL,
    email text NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT organization_memberships_clerk_id_check CHECK ((clerk_id ~ '^orgmem_[A-Za-z0-9]+$'::text))
);

CREATE TABLE public.organization_services (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    mcp_server_id uuid NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    configuration jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organization_services_configuration_check CHECK ((jsonb_typeof(configuration) = 'object'::text))
);

CREATE TABLE public.organizations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    clerk_id text NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT organizations_clerk_id_check CHECK ((clerk_id ~ '^org_[A-Za-z0-9]+$'::text)),
    CONSTRAINT organizations_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT organizations_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT organizations_slug_check CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (char_length(slug) <= 100)))
);

CREATE TABLE public.sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid,
    clerk_id text,
    token_hash bytea NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    ip_address inet,
    user_agent text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_active_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sessions_clerk_id_check CHECK ((clerk_id ~ '^sess_[A-Za-z0-9]+$'::text)),
    CONSTRAINT sessions_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT sessions_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT sessions_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    clerk_id text NOT NULL,
    email text NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    anonymized_at timestamp with time zone,
    CONSTRAINT users_anonymized_at_check CHECK (((anonymized_at IS NULL) OR (deleted_at IS NOT NULL))),
    CONSTRAINT users_clerk_id_check CHECK ((clerk_id ~ '^user_[A-Za-z0-9]+$'::text)),
    CONSTRAINT users_display_name_check CHECK ((char_length(display_name) <= 200)),
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (email ~ '^[^@\s]+@[^@\s]+$'::text) AND (char_length(email) <= 254)))
);

ALTER TABLE ONLY public.audit_logs ATTACH PARTITION internal.audit_logs_default DEFAULT;

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY internal.audit_logs_default
    ADD CONSTRAINT audit_logs_default_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);

COMMENT ON CONSTRAINT api_keys_key_hash_key ON public.api_keys IS 'query api-key-by-hash';

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_name_key UNIQUE (name);

COMMENT ON CONSTRAINT mcp_servers_name_key ON public.mcp_servers IS 'query server-by-name';

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_clerk_id_key UNIQUE (clerk_id);

COMMENT ON CONSTRAINT organization_memberships_clerk_id_key ON public.organization_memberships IS 'query membership-by-clerk-id';

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_user_key UNIQUE (organization_id, user_id);

COMMENT ON CONSTRAINT organization_memberships_organization_user_key ON public.organization_memberships IS 'foreign key';

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_pkey PRIMARY KEY (id);

ALTER TABLE public.organization_services
    ADD CONSTRAINT organization_services_configuration_depth_check CHECK ((NOT jsonb_path_exists(configuration, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.organization_services
    ADD CONSTRAINT organization_services_organization_server_key UNIQUE (organization_id, mcp_server_id);

COMMENT ON CONSTRAINT organization_services_organization_server_key ON public.organization_services IS 'foreign key; query services-of-organization';

ALTER TABLE ONLY public.organization_services
    ADD CONSTRAINT organization_services_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_clerk_id_key UNIQUE (clerk_id);

COMMENT ON CONSTRAINT organizations_clerk_id_key ON public.organizations IS 'query organization-by-clerk-id';

ALTER TABLE public.organizations
    ADD CONSTRAINT organizations_metadata_depth_check CHECK ((NOT jsonb_path_exists(metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_clerk_id_key UNIQUE (clerk_id);

COMMENT ON CONSTRAINT sessions_clerk_id_key ON public.sessions IS 'query session-by-clerk-id';

ALTER TABLE public.sessions
    ADD CONSTRAINT sessions_metadata_depth_check CHECK ((NOT jsonb_path_exists(metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);

COMMENT ON CONSTRAINT sessions_token_hash_key ON public.sessions IS 'query session-by-token';

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_clerk_id_key UNIQUE (clerk_id);

COMMENT ON CONSTRAINT users_clerk_id_key ON public.users IS 'query user-by-clerk-id';

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_profile_key UNIQUE (id, email, display_name);

COMMENT ON CONSTRAINT users_profile_key ON public.users IS 'foreign key';

CREATE INDEX audit_logs_created_at_idx ON ONLY public.audit_logs USING btree (organization_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_created_at_idx IS 'query audit-of-organization';

CREATE INDEX audit_logs_default_organization_id_created_at_idx ON internal.audit_logs_default USING btree (organization_id, created_at DESC);

CREATE INDEX audit_logs_user_id_idx ON ONLY public.audit_logs USING btree (organization_id, user_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_user_id_idx IS 'query audit-of-user';

CREATE INDEX audit_logs_default_organization_id_user_id_created_at_idx ON internal.audit_logs_default USING btree (organization_id, user_id, created_at DESC);

CREATE INDEX audit_logs_target_idx ON ONLY public.audit_logs USING btree (target_table, target_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_target_idx IS 'query audit-of-row';

CREATE INDEX audit_logs_default_target_table_target_id_created_at_idx ON internal.audit_logs_default USING btree (target_table, target_id, created_at DESC);

CREATE INDEX api_keys_created_by_fkey_idx ON public.api_keys USING btree (organization_id, created_by);

COMMENT ON INDEX public.api_keys_created_by_fkey_idx IS 'foreign key; query api-keys-of-organization';

CREATE INDEX api_keys_expires_at_idx ON public.api_keys USING btree (expires_at) WHERE (expires_at IS NOT NULL);

COMMENT ON INDEX public.api_keys_expires_at_idx IS 'query expired-api-keys';

CREATE INDEX organization_memberships_active_idx ON public.organization_memberships USING btree (organization_id, user_id) INCLUDE (role) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.organization_memberships_active_idx IS 'query role-in-organization';

CREATE INDEX organization_memberships_profile_fkey_idx ON public.organization_memberships USING btree (user_id, email, display_name);

COMMENT ON INDEX public.organization_memberships_profile_fkey_idx IS 'foreign key; query organizations-of-user';

CREATE INDEX organization_services_mcp_server_id_idx ON public.organization_services USING btree (mcp_server_id);

COMMENT ON INDEX public.organization_services_mcp_server_id_idx IS 'foreign key; query organizations-of-server';

CREATE UNIQUE INDEX organizations_slug_idx ON public.organizations USING btree (slug) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.organizations_slug_idx IS 'query organization-by-slug';

CREATE INDEX sessions_expires_at_idx ON public.sessions USING btree (expires_at);

COMMENT ON INDEX public.sessions_expires_at_idx IS 'query expired-sessions';

CREATE INDEX sessions_membership_fkey_idx ON public.sessions USING btree (organization_id, user_id);

COMMENT ON INDEX public.sessions_membership_fkey_idx IS 'foreign key';

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

COMMENT ON INDEX public.sessions_user_id_idx IS 'foreign key; query sessions-of-user';

CREATE UNIQUE INDEX users_email_idx ON public.users USING btree (email) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.users_email_idx IS 'query user-by-email';

ALTER INDEX public.audit_logs_created_at_idx ATTACH PARTITION internal.audit_logs_default_organization_id_created_at_idx;

ALTER INDEX public.audit_logs_user_id_idx ATTACH PARTITION internal.audit_logs_default_organization_id_user_id_created_at_idx;

ALTER INDEX public.audit_logs_pkey ATTACH PARTITION internal.audit_logs_default_pkey;

ALTER INDEX public.audit_logs_target_idx ATTACH PARTITION internal.audit_logs_default_target_table_target_id_created_at_idx;

CREATE TRIGGER api_keys_audit AFTER INSERT OR DELETE OR UPDATE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION internal.write_audit('', 'last_used_at,usage_count');

CREATE TRIGGER api_keys_revoked BEFORE UPDATE ON public.api_keys FOR EACH ROW WHEN ((new.revoked_at IS DISTINCT FROM old.revoked_at)) EXECUTE FUNCTION internal.stamp_revocation();

CREATE TRIGGER audit_logs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_change();

CREATE TRIGGER mcp_servers_audit AFTER INSERT OR DELETE OR UPDATE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER mcp_servers_born_deleted BEFORE INSERT ON public.mcp_servers FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER mcp_servers_deleted BEFORE UPDATE ON public.mcp_servers FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER mcp_servers_updated_at BEFORE UPDATE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER organization_memberships_audit AFTER INSERT OR DELETE OR UPDATE ON public.organization_memberships FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email,display_name');

CREATE TRIGGER organization_memberships_born_deleted BEFORE INSERT ON public.organization_memberships FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organization_memberships_deleted BEFORE UPDATE ON public.organization_memberships FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organization_memberships_guard BEFORE DELETE OR UPDATE ON public.organization_memberships FOR EACH ROW EXECUTE FUNCTION internal.refuse_own_role();

CREATE TRIGGER organization_memberships_keep_admin BEFORE DELETE OR UPDATE ON public.organization_memberships FOR EACH ROW WHEN (((old.role = 'ADMIN'::public.membership_role) AND (old.deleted_at IS NULL))) EXECUTE FUNCTION internal.keep_admin();

CREATE TRIGGER organization_memberships_new_person BEFORE INSERT ON public.organization_memberships FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER organization_memberships_own_role BEFORE INSERT OR UPDATE OF role ON public.organization_memberships FOR EACH ROW EXECUTE FUNCTION internal.refuse_own_role();

CREATE TRIGGER organization_memberships_return BEFORE UPDATE ON public.organization_memberships FOR EACH ROW WHEN (((new.deleted_at IS NULL) AND ((old.deleted_at IS NOT NULL) OR (new.user_id <> old.user_id)))) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER organization_memberships_updated_at BEFORE UPDATE ON public.organization_memberships FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER organization_services_audit AFTER INSERT OR DELETE OR UPDATE ON public.organization_services FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER organization_services_updated_at BEFORE UPDATE ON public.organization_services FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER organizations_audit AFTER INSERT OR DELETE OR UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER organizations_born_deleted BEFORE INSERT ON public.organizations FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organizations_deleted BEFORE UPDATE ON public.organizations FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organizations_updated_at BEFORE UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER sessions_audit AFTER INSERT OR DELETE OR UPDATE ON public.sessions FOR EACH ROW EXECUTE FUNCTION internal.write_audit('ip_address,user_agent,metadata', 'last_active_at');

CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email,display_name');

CREATE TRIGGER users_born_deleted BEFORE INSERT ON public.users FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER users_deleted BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER users_stay_anonymized BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((old.anonymized_at IS NOT NULL) AND (new.anonymized_at IS NULL))) EXECUTE FUNCTION internal.stay_anonymized();

CREATE TRIGGER users_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (organization_id, created_by) REFERENCES public.organization_memberships(organization_id, user_id) ON DELETE SET NULL (created_by);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_memberships
    ADD CONSTRAINT organization_memberships_profile_fkey FOREIGN KEY (user_id, email, display_name) REFERENCES public.users(id, email, display_name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_services
    ADD CONSTRAINT organization_services_mcp_server_fkey FOREIGN KEY (mcp_server_id) REFERENCES public.mcp_servers(id) ON DELETE RESTRICT;

ALTER TABLE ONLY public.organization_services
    ADD CONSTRAINT organization_services_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_membership_fkey FOREIGN KEY (organization_id, user_id) REFERENCES public.organization_memberships(organization_id, user_id) ON DELETE SET NULL (organization_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
