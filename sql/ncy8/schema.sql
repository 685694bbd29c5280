CREATE SCHEMA internal;

CREATE TYPE public.log_level AS ENUM (
    'DEBUG',
    'INFO',
    'WARN',
    'ERROR',
    'FATAL'
);

CREATE TYPE public.org_role AS ENUM (
    'OWNER',
    'ADMIN',
    'MANAGER',
    'MEMBER'
);

CREATE TYPE public.project_status AS ENUM (
    'ACTIVE',
    'INACTIVE',
    'ARCHIVED'
);

CREATE TYPE public.task_priority AS ENUM (
    'LOW',
    'MEDIUM',
    'HIGH',
    'URGENT'
);

CREATE TYPE public.task_status AS ENUM (
    'TODO',
    'IN_PROGRESS',
    'REVIEW',
    'DONE',
    'CANCELLED'
);

CREATE TYPE public.user_role AS ENUM (
    'ADMIN',
    'MANAGER',
    'EMPLOYEE',
    'SYSTEM'
);

CREATE TYPE public.user_status AS ENUM (
    'ACTIVE',
    'INACTIVE',
    'SUSPENDED',
    'PENDING'
);

CREATE FUNCTION internal.guard_member_role() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  acting CONSTANT text := coalesce(context.role(), CASE WHEN NOT row_security_active(TG_RELID) THEN 'svc_ncy8' END);
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.user_id, NEW.role, NEW.deleted_at)
      IS NOT DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role, OLD.deleted_at) THEN
    RETURN NEW;
  END IF;
  IF acting IS NULL THEN
    RAISE EXCEPTION 'a role is given or taken in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.user_id IS NOT DISTINCT FROM context.subject() AND (TG_OP = 'INSERT' OR NEW.deleted_at IS NULL
      OR (NEW.organization_id, NEW.user_id, NEW.role) IS DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role)) THEN
    RAISE EXCEPTION 'nobody changes a role of their own' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF acting IS DISTINCT FROM 'svc_ncy8'
    AND ((TG_OP <> 'INSERT' AND OLD.role = 'OWNER') OR (TG_OP <> 'DELETE' AND NEW.role = 'OWNER')) THEN
    RAISE EXCEPTION 'only the service changes who owns an organisation' USING ERRCODE = 'insufficient_privilege';
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

CREATE FUNCTION internal.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE FUNCTION internal.sign_grant() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  subject CONSTANT uuid := context.subject();
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.user_id, NEW.role_id)
      IS NOT DISTINCT FROM (OLD.organization_id, OLD.user_id, OLD.role_id) THEN
    IF row_security_active(TG_RELID) THEN
      NEW.granted_by := OLD.granted_by;
    END IF;
    RETURN NEW;
  END IF;
  IF row_security_active(TG_RELID) AND context.role() IS NULL THEN
    RAISE EXCEPTION 'a role is given in a signed context alone' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.user_id IS NOT DISTINCT FROM subject THEN
    RAISE EXCEPTION 'nobody grants a role to themselves' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.granted_by := coalesce(subject, NEW.granted_by);
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
        WHEN entry.key ~* '(passw|secret|token|credential|authori[sz]ation|cookie|(api|private|signing|encryption|access)[_-]?key|_hash$)'
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
    email = 'anonymized_' || id || '@deleted.invalid',
    password_hash = 'anonymized',
    deleted_at = coalesce(deleted_at, now()),
    anonymized_at = now()
  WHERE id = wanted AND anonymized_at IS NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM public.sessions WHERE user_id = wanted;
  DELETE FROM public.api_keys WHERE user_id = wanted;
  DELETE FROM public.user_preferences WHERE user_id = wanted;
  UPDATE public.organization_members SET deleted_at = now() WHERE user_id = wanted AND deleted_at IS NULL;
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

CREATE FUNCTION public.delete_expired_backup_snapshots() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
  gone bigint;
BEGIN
  PERFORM public.demand_context('public.backup_snapshots');
  DELETE FROM public.backup_snapshots WHERE id IN (
    SELECT id FROM public.backup_snapshots WHERE created_at <= now() - interval '30 days' FOR UPDATE SKIP LOCKED);
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
  IF current_setting('is_superuser') = 'off' AND context.role() IS DISTINCT FROM 'svc_ncy8' THEN
    RAISE EXCEPTION 'the months are made in a signed context of the service' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN QUERY SELECT * FROM internal.maintain_log('public.audit_logs', 'created_at', interval '7 years');
  RETURN QUERY SELECT * FROM internal.maintain_log('public.error_logs', 'created_at', interval '90 days');
  RETURN QUERY SELECT * FROM internal.maintain_log('public.access_logs', 'timestamp', interval '90 days');
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
  FOREACH table_name IN ARRAY ARRAY[
    'tasks', 'team_members', 'teams', 'projects', 'organization_members', 'organizations', 'users']
  LOOP
    purged := 0;
    FOR place IN EXECUTE format('SELECT ctid FROM public.%I gone WHERE deleted_at <= now() - interval ''7 years''', table_name)
        || CASE WHEN table_name = 'users'
          THEN ' AND NOT EXISTS (SELECT FROM public.organizations WHERE owner_id = gone.id)' ELSE '' END
        || ' FOR UPDATE SKIP LOCKED'
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

CREATE TABLE public.access_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    user_id uuid,
    method text NOT NULL,
    endpoint text NOT NULL,
    status_code integer NOT NULL,
    latency_ms integer,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT access_logs_endpoint_check CHECK (((char_length(endpoint) >= 1) AND (char_length(endpoint) <= 255))),
    CONSTRAINT access_logs_latency_ms_check CHECK ((latency_ms >= 0)),
    CONSTRAINT access_logs_method_check CHECK ((method ~ '^[A-Z]{1,10}$'::text)),
    CONSTRAINT access_logs_status_code_check CHECK (((status_code >= 100) AND (status_code <= 599)))
)
PARTITION BY RANGE ("timestamp");

CREATE TABLE internal.access_logs_default (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid,
    user_id uuid,
    method text NOT NULL,
    endpoint text NOT NULL,
    status_code integer NOT NULL,
    latency_ms integer,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT access_logs_endpoint_check CHECK (((char_length(endpoint) >= 1) AND (char_length(endpoint) <= 255))),
    CONSTRAINT access_logs_latency_ms_check CHECK ((latency_ms >= 0)),
    CONSTRAINT access_logs_method_check CHECK ((method ~ '^[A-Z]{1,10}$'::text)),
    CONSTRAINT access_logs_status_code_check CHECK (((status_code >= 100) AND (status_code <= 599)))
);

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

CREATE TABLE public.error_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    service text NOT NULL,
    level public.log_level NOT NULL,
    message text NOT NULL,
    stack text,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT error_logs_context_check CHECK ((jsonb_typeof(context) = 'object'::text)),
    CONSTRAINT error_logs_service_check CHECK (((char_length(service) >= 1) AND (char_length(service) <= 100)))
)
PARTITION BY RANGE (created_at);

CREATE TABLE internal.error_logs_default (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    service text NOT NULL,
    level public.log_level NOT NULL,
    message text NOT NULL,
    stack text,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT error_logs_context_check CHECK ((jsonb_typeof(context) = 'object'::text)),
    CONSTRAINT error_logs_service_check CHECK (((char_length(service) >= 1) AND (char_length(service) <= 100)))
);

CREATE TABLE public.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key_prefix text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_keys_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT api_keys_key_prefix_check CHECK (((char_length(key_prefix) >= 4) AND (char_length(key_prefix) <= 12)))
);

CREATE TABLE public.backup_snapshots (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    path text NOT NULL,
    size bigint NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT backup_snapshots_size_check CHECK ((size > 0))
);

CREATE TABLE public.organization_members (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    role public.org_role DEFAULT 'MEMBER'::public.org_role NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.organizations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    owner_id uuid NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT organizations_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT organizations_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT organizations_slug_check CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (char_length(slug) <= 100)))
);

CREATE TABLE public.permissions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    key text NOT NULL,
    description text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT permissions_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 100)))
);

CREATE TABLE public.projects (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    status public.project_status DEFAULT 'ACTIVE'::public.project_status NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT projects_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT projects_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text))
);

CREATE TABLE public.role_permissions (
    role_id uuid NOT NULL,
    permission_id uuid NOT NULL
);

CREATE TABLE public.roles (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    description text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT roles_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

CREATE TABLE public.sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    refresh_token_hash bytea NOT NULL,
    ip_address inet,
    user_agent text,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sessions_expires_at_check CHECK ((expires_at > created_at)),
    CONSTRAINT sessions_refresh_token_hash_check CHECK ((octet_length(refresh_token_hash) = 32))
);

CREATE TABLE public.tasks (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    assignee_id uuid,
    title text NOT NULL,
    description text,
    status public.task_status DEFAULT 'TODO'::public.task_status NOT NULL,
    priority public.task_priority DEFAULT 'MEDIUM'::public.task_priority NOT NULL,
    due_date timestamp with time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT tasks_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT tasks_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 255)))
);

CREATE TABLE public.team_members (
    organization_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone
);

CREATE TABLE public.teams (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT teams_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255)))
);

CREATE TABLE public.user_preferences (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    locale text DEFAULT 'en'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_preferences_locale_check CHECK ((locale ~ '^[a-z]{2,3}([-_][A-Za-z]{2,4})?$'::text)),
    CONSTRAINT user_preferences_preferences_check CHECK ((jsonb_typeof(preferences) = 'object'::text)),
    CONSTRAINT user_preferences_timezone_check CHECK (((char_length(timezone) >= 1) AND (char_length(timezone) <= 50)))
);

CREATE TABLE public.user_roles (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    granted_at timestamp with time zone DEFAULT now() NOT NULL,
    granted_by uuid
);

CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    role public.user_role DEFAULT 'EMPLOYEE'::public.user_role NOT NULL,
    status public.user_status DEFAULT 'ACTIVE'::public.user_status NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    anonymized_at timestamp with time zone,
    CONSTRAINT users_anonymized_at_check CHECK ((((anonymized_at IS NULL) = (password_hash <> 'anonymized'::text)) AND ((anonymized_at IS NULL) OR (deleted_at IS NOT NULL)))),
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (email ~ '^[^@\s]+@[^@\s]+$'::text) AND (char_length(email) <= 254))),
    CONSTRAINT users_password_hash_check CHECK (((password_hash ~ '^\$(2[aby]|argon2id|scrypt)\$'::text) OR (password_hash = 'anonymized'::text)))
);

ALTER TABLE ONLY public.access_logs ATTACH PARTITION internal.access_logs_default DEFAULT;

ALTER TABLE ONLY public.audit_logs ATTACH PARTITION internal.audit_logs_default DEFAULT;

ALTER TABLE ONLY public.error_logs ATTACH PARTITION internal.error_logs_default DEFAULT;

ALTER TABLE ONLY public.access_logs
    ADD CONSTRAINT access_logs_pkey PRIMARY KEY (id, "timestamp");

ALTER TABLE ONLY internal.access_logs_default
    ADD CONSTRAINT access_logs_default_pkey PRIMARY KEY (id, "timestamp");

ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY internal.audit_logs_default
    ADD CONSTRAINT audit_logs_default_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY public.error_logs
    ADD CONSTRAINT error_logs_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY internal.error_logs_default
    ADD CONSTRAINT error_logs_default_pkey PRIMARY KEY (id, created_at);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);

COMMENT ON CONSTRAINT api_keys_key_hash_key ON public.api_keys IS 'query api-key-by-hash';

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.backup_snapshots
    ADD CONSTRAINT backup_snapshots_path_key UNIQUE (path);

COMMENT ON CONSTRAINT backup_snapshots_path_key ON public.backup_snapshots IS 'query backup-by-path';

ALTER TABLE ONLY public.backup_snapshots
    ADD CONSTRAINT backup_snapshots_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT organization_members_organization_user_key UNIQUE (organization_id, user_id);

COMMENT ON CONSTRAINT organization_members_organization_user_key ON public.organization_members IS 'foreign key';

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT organization_members_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

ALTER TABLE public.organizations
    ADD CONSTRAINT organizations_settings_depth_check CHECK ((NOT jsonb_path_exists(settings, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.permissions
    ADD CONSTRAINT permissions_key_key UNIQUE (key);

COMMENT ON CONSTRAINT permissions_key_key ON public.permissions IS 'query permission-by-key';

ALTER TABLE ONLY public.permissions
    ADD CONSTRAINT permissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_organization_id_key UNIQUE (organization_id, id);

COMMENT ON CONSTRAINT projects_organization_id_key ON public.projects IS 'foreign key';

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);

ALTER TABLE public.projects
    ADD CONSTRAINT projects_settings_depth_check CHECK ((NOT jsonb_path_exists(settings, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.role_permissions
    ADD CONSTRAINT role_permissions_pkey PRIMARY KEY (role_id, permission_id);

COMMENT ON CONSTRAINT role_permissions_pkey ON public.role_permissions IS 'foreign key; query permissions-of-role';

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_name_key UNIQUE (name);

COMMENT ON CONSTRAINT roles_name_key ON public.roles IS 'query role-by-name';

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_refresh_token_hash_key UNIQUE (refresh_token_hash);

COMMENT ON CONSTRAINT sessions_refresh_token_hash_key ON public.sessions IS 'query session-by-token';

ALTER TABLE public.tasks
    ADD CONSTRAINT tasks_metadata_depth_check CHECK ((NOT jsonb_path_exists(metadata, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id);

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_organization_id_key UNIQUE (organization_id, id);

COMMENT ON CONSTRAINT teams_organization_id_key ON public.teams IS 'foreign key';

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (id);

ALTER TABLE public.user_preferences
    ADD CONSTRAINT user_preferences_preferences_depth_check CHECK ((NOT jsonb_path_exists(preferences, '$.**{33}'::jsonpath))) NOT VALID;

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_user_id_key UNIQUE (user_id);

COMMENT ON CONSTRAINT user_preferences_user_id_key ON public.user_preferences IS 'foreign key; query preferences-of-user';

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_pkey PRIMARY KEY (organization_id, user_id, role_id);

COMMENT ON CONSTRAINT user_roles_pkey ON public.user_roles IS 'foreign key; query roles-of-user';

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_profile_key UNIQUE (id, email);

COMMENT ON CONSTRAINT users_profile_key ON public.users IS 'foreign key';

CREATE INDEX access_logs_timestamp_idx ON ONLY public.access_logs USING btree (organization_id, "timestamp" DESC);

COMMENT ON INDEX public.access_logs_timestamp_idx IS 'query accesses-of-organization';

CREATE INDEX access_logs_default_organization_id_timestamp_idx ON internal.access_logs_default USING btree (organization_id, "timestamp" DESC);

CREATE INDEX access_logs_user_id_idx ON ONLY public.access_logs USING btree (user_id, "timestamp" DESC);

COMMENT ON INDEX public.access_logs_user_id_idx IS 'query accesses-of-user';

CREATE INDEX access_logs_default_user_id_timestamp_idx ON internal.access_logs_default USING btree (user_id, "timestamp" DESC);

CREATE INDEX audit_logs_created_at_idx ON ONLY public.audit_logs USING btree (organization_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_created_at_idx IS 'query audit-of-organization';

CREATE INDEX audit_logs_default_organization_id_created_at_idx ON internal.audit_logs_default USING btree (organization_id, created_at DESC);

CREATE INDEX audit_logs_user_id_idx ON ONLY public.audit_logs USING btree (organization_id, user_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_user_id_idx IS 'query audit-of-user';

CREATE INDEX audit_logs_default_organization_id_user_id_created_at_idx ON internal.audit_logs_default USING btree (organization_id, user_id, created_at DESC);

CREATE INDEX audit_logs_target_idx ON ONLY public.audit_logs USING btree (target_table, target_id, created_at DESC);

COMMENT ON INDEX public.audit_logs_target_idx IS 'query audit-of-row';

CREATE INDEX audit_logs_default_target_table_target_id_created_at_idx ON internal.audit_logs_default USING btree (target_table, target_id, created_at DESC);

CREATE INDEX error_logs_service_idx ON ONLY public.error_logs USING btree (service, created_at DESC);

COMMENT ON INDEX public.error_logs_service_idx IS 'query errors-of-service';

CREATE INDEX error_logs_default_service_created_at_idx ON internal.error_logs_default USING btree (service, created_at DESC);

CREATE INDEX api_keys_expires_at_idx ON public.api_keys USING btree (expires_at) WHERE (expires_at IS NOT NULL);

COMMENT ON INDEX public.api_keys_expires_at_idx IS 'query expired-api-keys';

CREATE INDEX api_keys_member_fkey_idx ON public.api_keys USING btree (organization_id, user_id);

COMMENT ON INDEX public.api_keys_member_fkey_idx IS 'foreign key; query api-keys-of-user';

CREATE INDEX backup_snapshots_created_at_idx ON public.backup_snapshots USING btree (created_at DESC) WHERE verified;

COMMENT ON INDEX public.backup_snapshots_created_at_idx IS 'query newest-verified-backup';

CREATE INDEX organization_members_org_user_idx ON public.organization_members USING btree (organization_id, user_id) INCLUDE (role) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.organization_members_org_user_idx IS 'query role-in-organization';

CREATE INDEX organization_members_profile_fkey_idx ON public.organization_members USING btree (user_id, email);

COMMENT ON INDEX public.organization_members_profile_fkey_idx IS 'foreign key; query organizations-of-user';

CREATE INDEX organizations_owner_id_idx ON public.organizations USING btree (owner_id);

COMMENT ON INDEX public.organizations_owner_id_idx IS 'foreign key; query organizations-of-owner';

CREATE UNIQUE INDEX organizations_slug_idx ON public.organizations USING btree (slug) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.organizations_slug_idx IS 'query organization-by-slug';

CREATE INDEX projects_name_idx ON public.projects USING btree (organization_id, name) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.projects_name_idx IS 'query projects-of-organization';

CREATE INDEX role_permissions_permission_id_idx ON public.role_permissions USING btree (permission_id);

COMMENT ON INDEX public.role_permissions_permission_id_idx IS 'foreign key';

CREATE INDEX sessions_expires_at_idx ON public.sessions USING btree (expires_at);

COMMENT ON INDEX public.sessions_expires_at_idx IS 'query expired-sessions';

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

COMMENT ON INDEX public.sessions_user_id_idx IS 'foreign key; query sessions-of-user';

CREATE INDEX tasks_assignee_fkey_idx ON public.tasks USING btree (organization_id, assignee_id);

COMMENT ON INDEX public.tasks_assignee_fkey_idx IS 'foreign key';

CREATE INDEX tasks_assignee_id_idx ON public.tasks USING btree (organization_id, assignee_id, due_date) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.tasks_assignee_id_idx IS 'query tasks-of-assignee';

CREATE INDEX tasks_due_date_idx ON public.tasks USING btree (organization_id, due_date) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.tasks_due_date_idx IS 'query tasks-due';

CREATE INDEX tasks_project_fkey_idx ON public.tasks USING btree (organization_id, project_id);

COMMENT ON INDEX public.tasks_project_fkey_idx IS 'foreign key';

CREATE INDEX tasks_project_id_idx ON public.tasks USING btree (organization_id, project_id, created_at DESC) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.tasks_project_id_idx IS 'query newest-tasks-of-project';

CREATE INDEX tasks_project_status_idx ON public.tasks USING btree (organization_id, project_id) WHERE ((deleted_at IS NULL) AND (status = ANY (ARRAY['TODO'::public.task_status, 'IN_PROGRESS'::public.task_status, 'REVIEW'::public.task_status])));

COMMENT ON INDEX public.tasks_project_status_idx IS 'query open-tasks-of-project';

CREATE INDEX tasks_status_idx ON public.tasks USING btree (organization_id, created_at) WHERE ((deleted_at IS NULL) AND (status = ANY (ARRAY['TODO'::public.task_status, 'IN_PROGRESS'::public.task_status, 'REVIEW'::public.task_status])));

COMMENT ON INDEX public.tasks_status_idx IS 'query open-tasks-of-organization';

CREATE INDEX team_members_member_fkey_idx ON public.team_members USING btree (organization_id, user_id);

COMMENT ON INDEX public.team_members_member_fkey_idx IS 'foreign key; query teams-of-user';

CREATE INDEX team_members_team_fkey_idx ON public.team_members USING btree (organization_id, team_id);

COMMENT ON INDEX public.team_members_team_fkey_idx IS 'foreign key; query members-of-team';

CREATE INDEX teams_name_idx ON public.teams USING btree (organization_id, name) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.teams_name_idx IS 'query teams-of-organization';

CREATE INDEX user_roles_granted_by_fkey_idx ON public.user_roles USING btree (organization_id, granted_by);

COMMENT ON INDEX public.user_roles_granted_by_fkey_idx IS 'foreign key; query roles-granted-by-user';

CREATE INDEX user_roles_role_id_idx ON public.user_roles USING btree (role_id);

COMMENT ON INDEX public.user_roles_role_id_idx IS 'foreign key';

CREATE INDEX users_created_at_idx ON public.users USING btree (created_at);

COMMENT ON INDEX public.users_created_at_idx IS 'query newest-users';

CREATE UNIQUE INDEX users_email_idx ON public.users USING btree (email) WHERE (deleted_at IS NULL);

COMMENT ON INDEX public.users_email_idx IS 'query user-by-email';

CREATE INDEX users_status_idx ON public.users USING btree (created_at) WHERE ((deleted_at IS NULL) AND (status <> 'ACTIVE'::public.user_status));

COMMENT ON INDEX public.users_status_idx IS 'query users-not-active';

ALTER INDEX public.access_logs_timestamp_idx ATTACH PARTITION internal.access_logs_default_organization_id_timestamp_idx;

ALTER INDEX public.access_logs_pkey ATTACH PARTITION internal.access_logs_default_pkey;

ALTER INDEX public.access_logs_user_id_idx ATTACH PARTITION internal.access_logs_default_user_id_timestamp_idx;

ALTER INDEX public.audit_logs_created_at_idx ATTACH PARTITION internal.audit_logs_default_organization_id_created_at_idx;

ALTER INDEX public.audit_logs_user_id_idx ATTACH PARTITION internal.audit_logs_default_organization_id_user_id_created_at_idx;

ALTER INDEX public.audit_logs_pkey ATTACH PARTITION internal.audit_logs_default_pkey;

ALTER INDEX public.audit_logs_target_idx ATTACH PARTITION internal.audit_logs_default_target_table_target_id_created_at_idx;

ALTER INDEX public.error_logs_pkey ATTACH PARTITION internal.error_logs_default_pkey;

ALTER INDEX public.error_logs_service_idx ATTACH PARTITION internal.error_logs_default_service_created_at_idx;

CREATE TRIGGER api_keys_audit AFTER INSERT OR DELETE OR UPDATE ON public.api_keys FOR EACH ROW EXECUTE FUNCTION internal.write_audit('', 'last_used_at');

CREATE TRIGGER audit_logs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_change();

CREATE TRIGGER organization_members_audit AFTER INSERT OR DELETE OR UPDATE ON public.organization_members FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email');

CREATE TRIGGER organization_members_born_deleted BEFORE INSERT ON public.organization_members FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organization_members_deleted BEFORE UPDATE ON public.organization_members FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organization_members_guard BEFORE DELETE OR UPDATE ON public.organization_members FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role();

CREATE TRIGGER organization_members_new_person BEFORE INSERT ON public.organization_members FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER organization_members_return BEFORE UPDATE ON public.organization_members FOR EACH ROW WHEN (((new.deleted_at IS NULL) AND ((old.deleted_at IS NOT NULL) OR (new.user_id <> old.user_id)))) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER organization_members_role BEFORE INSERT OR UPDATE OF role ON public.organization_members FOR EACH ROW EXECUTE FUNCTION internal.guard_member_role();

CREATE TRIGGER organizations_audit AFTER INSERT OR DELETE OR UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER organizations_born_deleted BEFORE INSERT ON public.organizations FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organizations_deleted BEFORE UPDATE ON public.organizations FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER organizations_updated_at BEFORE UPDATE ON public.organizations FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER permissions_audit AFTER INSERT OR DELETE OR UPDATE ON public.permissions FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER projects_audit AFTER INSERT OR DELETE OR UPDATE ON public.projects FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER projects_born_deleted BEFORE INSERT ON public.projects FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER projects_deleted BEFORE UPDATE ON public.projects FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER projects_updated_at BEFORE UPDATE ON public.projects FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER role_permissions_audit AFTER INSERT OR DELETE OR UPDATE ON public.role_permissions FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER roles_audit AFTER INSERT OR DELETE OR UPDATE ON public.roles FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER sessions_audit AFTER INSERT OR DELETE OR UPDATE ON public.sessions FOR EACH ROW EXECUTE FUNCTION internal.write_audit('ip_address,user_agent');

CREATE TRIGGER tasks_audit AFTER INSERT OR DELETE OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION internal.write_audit('description');

CREATE TRIGGER tasks_born_deleted BEFORE INSERT ON public.tasks FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER tasks_deleted BEFORE UPDATE ON public.tasks FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER tasks_updated_at BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER team_members_audit AFTER INSERT OR DELETE OR UPDATE ON public.team_members FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER team_members_born_deleted BEFORE INSERT ON public.team_members FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER team_members_deleted BEFORE UPDATE ON public.team_members FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER team_members_new_person BEFORE INSERT ON public.team_members FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER team_members_return BEFORE UPDATE ON public.team_members FOR EACH ROW WHEN (((new.deleted_at IS NULL) AND ((old.deleted_at IS NOT NULL) OR (new.user_id <> old.user_id)))) EXECUTE FUNCTION internal.refuse_anonymized();

CREATE TRIGGER teams_audit AFTER INSERT OR DELETE OR UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER teams_born_deleted BEFORE INSERT ON public.teams FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER teams_deleted BEFORE UPDATE ON public.teams FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER teams_updated_at BEFORE UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER user_preferences_audit AFTER INSERT OR DELETE OR UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION internal.write_audit('preferences,timezone,locale');

CREATE TRIGGER user_preferences_updated_at BEFORE UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

CREATE TRIGGER user_roles_audit AFTER INSERT OR DELETE OR UPDATE ON public.user_roles FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

CREATE TRIGGER user_roles_granted_again BEFORE UPDATE ON public.user_roles FOR EACH ROW EXECUTE FUNCTION internal.sign_grant();

CREATE TRIGGER user_roles_granted_by BEFORE INSERT ON public.user_roles FOR EACH ROW EXECUTE FUNCTION internal.sign_grant();

CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.write_audit('email');

CREATE TRIGGER users_born_deleted BEFORE INSERT ON public.users FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER users_deleted BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((new.deleted_at IS NOT NULL) AND (new.deleted_at IS DISTINCT FROM old.deleted_at))) EXECUTE FUNCTION internal.stamp_deletion();

CREATE TRIGGER users_stay_anonymized BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((old.anonymized_at IS NOT NULL) AND (new.anonymized_at IS NULL))) EXECUTE FUNCTION internal.stay_anonymized();

CREATE TRIGGER users_updated_at BEFORE UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_member_fkey FOREIGN KEY (organization_id, user_id) REFERENCES public.organization_members(organization_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT organization_members_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.organization_members
    ADD CONSTRAINT organization_members_profile_fkey FOREIGN KEY (user_id, email) REFERENCES public.users(id, email) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE RESTRICT;

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.role_permissions
    ADD CONSTRAINT role_permissions_permission_fkey FOREIGN KEY (permission_id) REFERENCES public.permissions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.role_permissions
    ADD CONSTRAINT role_permissions_role_fkey FOREIGN KEY (role_id) REFERENCES public.roles(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_assignee_fkey FOREIGN KEY (organization_id, assignee_id) REFERENCES public.organization_members(organization_id, user_id) ON DELETE SET NULL (assignee_id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_project_fkey FOREIGN KEY (organization_id, project_id) REFERENCES public.projects(organization_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_member_fkey FOREIGN KEY (organization_id, user_id) REFERENCES public.organization_members(organization_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.team_members
    ADD CONSTRAINT team_members_team_fkey FOREIGN KEY (organization_id, team_id) REFERENCES public.teams(organization_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_organization_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_granted_by_fkey FOREIGN KEY (organization_id, granted_by) REFERENCES public.organization_members(organization_id, user_id) ON DELETE SET NULL (granted_by);

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_member_fkey FOREIGN KEY (organization_id, user_id) REFERENCES public.organization_members(organization_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_roles
    ADD CONSTRAINT user_roles_role_fkey FOREIGN KEY (role_id) REFERENCES public.roles(id) ON DELETE CASCADE;
