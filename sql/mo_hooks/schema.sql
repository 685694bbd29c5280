CREATE TABLE `webhook_logs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `source` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `event_type` varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `delivery_id` varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `signature_valid` tinyint(1) NOT NULL,
  `email_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `payload` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`payload`)),
  `received_at` datetime(3) NOT NULL DEFAULT current_timestamp(3),
  PRIMARY KEY (`id`),
  UNIQUE KEY `webhook_logs_delivery_key` (`source`,`delivery_id`) COMMENT 'query log-by-delivery',
  KEY `webhook_logs_email_hash_idx` (`email_hash`) COMMENT 'query logs-of-person',
  KEY `webhook_logs_received_at_idx` (`received_at`) COMMENT 'query logs-past-retention: 90 days',
  CONSTRAINT `webhook_logs_email_hash_check` CHECK (`email_hash` regexp '^[0-9a-f]{64}$')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `webhook_queue` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `log_id` bigint(20) unsigned NOT NULL,
  `target` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `state` enum('PENDING','RUNNING','DONE','FAILED') NOT NULL DEFAULT 'PENDING',
  `attempts` tinyint(3) unsigned NOT NULL DEFAULT 0,
  `run_at` datetime(3) NOT NULL DEFAULT current_timestamp(3),
  `locked_until` datetime(3) DEFAULT NULL,
  `last_error` varchar(1000) DEFAULT NULL,
  `created_at` datetime(3) NOT NULL DEFAULT current_timestamp(3),
  `updated_at` datetime(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
  PRIMARY KEY (`id`),
  UNIQUE KEY `webhook_queue_target_key` (`log_id`,`target`) COMMENT 'foreign key; query jobs-of-log',
  KEY `webhook_queue_claim_idx` (`state`,`run_at`) COMMENT 'query jobs-to-run',
  CONSTRAINT `webhook_queue_log_fkey` FOREIGN KEY (`log_id`) REFERENCES `webhook_logs` (`id`) ON DELETE CASCADE,
  CONSTRAINT `webhook_queue_running_check` CHECK (`state` = 'RUNNING' = (`locked_until` is not null)),
  CONSTRAINT `webhook_queue_attempts_check` CHECK (`attempts` <= 25)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
