-- What arrived, and what still has to be done with it.

CREATE TABLE IF NOT EXISTS webhook_logs (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  source varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_type varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- The sender's own number for the delivery: one that is repeated is not logged twice.
  delivery_id varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  signature_valid boolean NOT NULL,
  -- Whom it is about, where it is about somebody: SHA-256 of the address in lower case.
  email_hash char(64) CHARACTER SET ascii COLLATE ascii_bin,
  payload json NOT NULL,
  received_at datetime(3) NOT NULL DEFAULT current_timestamp(3),
  PRIMARY KEY (id),
  UNIQUE KEY webhook_logs_delivery_key (source, delivery_id) COMMENT 'query log-by-delivery',
  KEY webhook_logs_email_hash_idx (email_hash) COMMENT 'query logs-of-person',
  KEY webhook_logs_received_at_idx (received_at) COMMENT 'query logs-past-retention: 90 days',
  CONSTRAINT webhook_logs_email_hash_check CHECK (email_hash REGEXP '^[0-9a-f]{64}$')
) ENGINE = InnoDB;

-- A worker claims with SELECT ... WHERE state = 'PENDING' AND run_at <= now() ORDER BY run_at LIMIT n FOR UPDATE SKIP LOCKED.
CREATE TABLE IF NOT EXISTS webhook_queue (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  log_id bigint unsigned NOT NULL,
  target varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state enum('PENDING', 'RUNNING', 'DONE', 'FAILED') NOT NULL DEFAULT 'PENDING',
  attempts tinyint unsigned NOT NULL DEFAULT 0,
  run_at datetime(3) NOT NULL DEFAULT current_timestamp(3),
  -- A worker that does not come back loses its claim then.
  locked_until datetime(3),
  last_error varchar(1000),
  created_at datetime(3) NOT NULL DEFAULT current_timestamp(3),
  updated_at datetime(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
  PRIMARY KEY (id),
  UNIQUE KEY webhook_queue_target_key (log_id, target) COMMENT 'foreign key; query jobs-of-log',
  KEY webhook_queue_claim_idx (state, run_at) COMMENT 'query jobs-to-run',
  CONSTRAINT webhook_queue_log_fkey FOREIGN KEY (log_id) REFERENCES webhook_logs (id) ON DELETE CASCADE,
  CONSTRAINT webhook_queue_running_check CHECK ((state = 'RUNNING') = (locked_until IS NOT NULL)),
  CONSTRAINT webhook_queue_attempts_check CHECK (attempts <= 25)
) ENGINE = InnoDB;
