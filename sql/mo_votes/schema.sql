CREATE TABLE `ballots` (
  `id` binary(16) NOT NULL,
  `poll_id` bigint(20) unsigned NOT NULL,
  `position` tinyint(3) unsigned NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ballots_option_idx` (`poll_id`,`position`) COMMENT 'foreign key; query result-of-poll',
  CONSTRAINT `ballots_option_fkey` FOREIGN KEY (`poll_id`, `position`) REFERENCES `poll_options` (`poll_id`, `position`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `participations` (
  `poll_id` bigint(20) unsigned NOT NULL,
  `voter_id` bigint(20) unsigned NOT NULL,
  `voted_on` date NOT NULL,
  PRIMARY KEY (`poll_id`,`voter_id`),
  KEY `participations_voter_idx` (`voter_id`) COMMENT 'foreign key; query polls-of-voter',
  CONSTRAINT `participations_poll_fkey` FOREIGN KEY (`poll_id`) REFERENCES `polls` (`id`),
  CONSTRAINT `participations_voter_fkey` FOREIGN KEY (`voter_id`) REFERENCES `voters` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `poll_options` (
  `poll_id` bigint(20) unsigned NOT NULL,
  `position` tinyint(3) unsigned NOT NULL,
  `label` varchar(255) NOT NULL,
  PRIMARY KEY (`poll_id`,`position`),
  UNIQUE KEY `poll_options_label_key` (`poll_id`,`label`),
  CONSTRAINT `poll_options_poll_fkey` FOREIGN KEY (`poll_id`) REFERENCES `polls` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `polls` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `title` varchar(255) NOT NULL,
  `description` text NOT NULL DEFAULT '',
  `opens_at` datetime NOT NULL,
  `closes_at` datetime NOT NULL,
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  `updated_at` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `polls_open_idx` (`closes_at`,`opens_at`) COMMENT 'query open-polls',
  CONSTRAINT `polls_period_check` CHECK (`closes_at` > `opens_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `voters` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `member_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `is_eligible` tinyint(1) NOT NULL DEFAULT 1,
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `voters_member_hash_key` (`member_hash`) COMMENT 'query voter-by-member',
  CONSTRAINT `voters_member_hash_check` CHECK (`member_hash` regexp '^[0-9a-f]{64}$')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
