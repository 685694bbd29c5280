-- Counts a day and nothing about anybody: a visitor is counted where the application sees one and is not known here.

CREATE TABLE IF NOT EXISTS page_views (
  day date NOT NULL,
  site varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  path varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  views bigint unsigned NOT NULL,
  visitors bigint unsigned NOT NULL,
  PRIMARY KEY (site, day, path),
  KEY page_views_path_idx (site, path, day) COMMENT 'query views-of-page',
  -- A query part may carry anything, an address for one.
  CONSTRAINT page_views_path_check CHECK (path NOT LIKE '%?%' AND path NOT LIKE '%@%'),
  CONSTRAINT page_views_visitors_check CHECK (visitors <= views)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS event_counts (
  day date NOT NULL,
  site varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  occurrences bigint unsigned NOT NULL,
  PRIMARY KEY (site, event, day),
  KEY event_counts_day_idx (day) COMMENT 'query events-of-day'
) ENGINE = InnoDB;

-- A load that is repeated finds here that it was done.
CREATE TABLE IF NOT EXISTS load_runs (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  source varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day date NOT NULL,
  row_count bigint unsigned NOT NULL,
  finished_at datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (id),
  UNIQUE KEY load_runs_source_day_key (source, day) COMMENT 'query load-of-day'
) ENGINE = InnoDB;
