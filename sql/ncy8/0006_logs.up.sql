-- What the services write of their own work, and the backups that were made. Months as in the audit log.

CREATE TABLE error_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  service text NOT NULL,
  level log_level NOT NULL,
  message text NOT NULL,
  stack text,
  context jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT error_logs_pkey PRIMARY KEY (id, created_at),
  CONSTRAINT error_logs_service_check CHECK (char_length(service) BETWEEN 1 AND 100),
  CONSTRAINT error_logs_context_check CHECK (jsonb_typeof(context) = 'object')
) PARTITION BY RANGE (created_at);
CREATE INDEX error_logs_service_idx ON error_logs (service, created_at DESC);
COMMENT ON INDEX error_logs_service_idx IS 'query errors-of-service';
CREATE TABLE internal.error_logs_default PARTITION OF error_logs DEFAULT;

CREATE TABLE access_logs (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  organization_id uuid,
  user_id uuid,
  method text NOT NULL,
  endpoint text NOT NULL,
  -- squawk-ignore prefer-bigint-over-int
  status_code integer NOT NULL,
  -- squawk-ignore prefer-bigint-over-int
  latency_ms integer,
  "timestamp" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT access_logs_pkey PRIMARY KEY (id, "timestamp"),
  CONSTRAINT access_logs_method_check CHECK (method ~ '^[A-Z]{1,10}$'),
  CONSTRAINT access_logs_endpoint_check CHECK (char_length(endpoint) BETWEEN 1 AND 255),
  CONSTRAINT access_logs_status_code_check CHECK (status_code BETWEEN 100 AND 599),
  CONSTRAINT access_logs_latency_ms_check CHECK (latency_ms >= 0)
) PARTITION BY RANGE ("timestamp");
CREATE INDEX access_logs_timestamp_idx ON access_logs (organization_id, "timestamp" DESC);
COMMENT ON INDEX access_logs_timestamp_idx IS 'query accesses-of-organization';
CREATE INDEX access_logs_user_id_idx ON access_logs (user_id, "timestamp" DESC);
COMMENT ON INDEX access_logs_user_id_idx IS 'query accesses-of-user';
CREATE TABLE internal.access_logs_default PARTITION OF access_logs DEFAULT;

CREATE TABLE backup_snapshots (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  path text NOT NULL,
  size bigint NOT NULL,
  verified boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT backup_snapshots_path_key UNIQUE (path),
  CONSTRAINT backup_snapshots_size_check CHECK (size > 0)
);
COMMENT ON CONSTRAINT backup_snapshots_path_key ON backup_snapshots IS 'query backup-by-path';
CREATE INDEX backup_snapshots_created_at_idx ON backup_snapshots (created_at DESC) WHERE verified;
COMMENT ON INDEX backup_snapshots_created_at_idx IS 'query newest-verified-backup';
