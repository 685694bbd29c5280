CREATE TABLE `issues` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `list_id` bigint(20) unsigned NOT NULL,
  `subject` varchar(255) NOT NULL,
  `body` mediumtext NOT NULL,
  `sent_at` datetime DEFAULT NULL,
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `issues_list_idx` (`list_id`,`sent_at`) COMMENT 'foreign key; query issues-of-list',
  CONSTRAINT `issues_list_fkey` FOREIGN KEY (`list_id`) REFERENCES `lists` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `lists` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `slug` varchar(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `lists_slug_key` (`slug`) COMMENT 'query list-by-slug'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `subscribers` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `email_encrypted` varbinary(512) NOT NULL,
  `key_version` smallint(5) unsigned NOT NULL DEFAULT 1,
  `email_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `status` enum('PENDING','ACTIVE','UNSUBSCRIBED','BOUNCED') NOT NULL DEFAULT 'PENDING',
  `confirmation_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `confirmed_at` datetime DEFAULT NULL,
  `unsubscribed_at` datetime DEFAULT NULL,
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  `updated_at` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `subscribers_email_hash_key` (`email_hash`) COMMENT 'query subscriber-by-address',
  UNIQUE KEY `subscribers_confirmation_hash_key` (`confirmation_hash`) COMMENT 'query subscriber-by-confirmation',
  KEY `subscribers_status_idx` (`status`,`created_at`) COMMENT 'query unconfirmed-subscribers',
  CONSTRAINT `subscribers_email_encrypted_check` CHECK (octet_length(`email_encrypted`) > 28),
  CONSTRAINT `subscribers_email_hash_check` CHECK (`email_hash` regexp '^[0-9a-f]{64}$'),
  CONSTRAINT `subscribers_confirmation_hash_check` CHECK (`confirmation_hash` regexp '^[0-9a-f]{64}$'),
  CONSTRAINT `subscribers_confirmed_check` CHECK (`status` <> 'ACTIVE' or `confirmed_at` is not null),
  CONSTRAINT `subscribers_unsubscribed_check` CHECK (`status` <> 'UNSUBSCRIBED' or `unsubscribed_at` is not null)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `subscriptions` (
  `list_id` bigint(20) unsigned NOT NULL,
  `subscriber_id` bigint(20) unsigned NOT NULL,
  `subscribed_at` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`list_id`,`subscriber_id`),
  KEY `subscriptions_subscriber_idx` (`subscriber_id`) COMMENT 'foreign key; query lists-of-subscriber',
  CONSTRAINT `subscriptions_list_fkey` FOREIGN KEY (`list_id`) REFERENCES `lists` (`id`) ON DELETE CASCADE,
  CONSTRAINT `subscriptions_subscriber_fkey` FOREIGN KEY (`subscriber_id`) REFERENCES `subscribers` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
