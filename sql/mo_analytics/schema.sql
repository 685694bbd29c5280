CREATE TABLE `event_counts` (
  `day` date NOT NULL,
  `site` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `event` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `occurrences` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`site`,`event`,`day`),
  KEY `event_counts_day_idx` (`day`) COMMENT 'query events-of-day'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `load_runs` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `source` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `day` date NOT NULL,
  `row_count` bigint(20) unsigned NOT NULL,
  `finished_at` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `load_runs_source_day_key` (`source`,`day`) COMMENT 'query load-of-day'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE `page_views` (
  `day` date NOT NULL,
  `site` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `path` varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `views` bigint(20) unsigned NOT NULL,
  `visitors` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`site`,`day`,`path`),
  KEY `page_views_path_idx` (`site`,`path`,`day`) COMMENT 'query views-of-page',
  CONSTRAINT `page_views_path_check` CHECK (`path`  not like '%?%' and `path`  not like '%@%'),
  CONSTRAINT `page_views_visitors_check` CHECK (`visitors` <= `views`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
