-- Who voted stands apart from what was voted: nothing joins participations and ballots but the poll. What is not here on
-- purpose: no time, no counter and no reference in a ballot, and no time of day in a participation. A ballot's key is 16
-- random bytes that the application draws (a UUID of the server's own would carry the time); the table is stored in the
-- order of that key, so the order of arrival is not kept. The server's binary log does see both writes of one moment: the
-- application writes ballots in shuffled batches.

CREATE TABLE IF NOT EXISTS polls (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  description text NOT NULL DEFAULT '',
  opens_at datetime NOT NULL,
  closes_at datetime NOT NULL,
  created_at datetime NOT NULL DEFAULT current_timestamp(),
  updated_at datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (id),
  KEY polls_open_idx (closes_at, opens_at) COMMENT 'query open-polls',
  CONSTRAINT polls_period_check CHECK (closes_at > opens_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS poll_options (
  poll_id bigint unsigned NOT NULL,
  position tinyint unsigned NOT NULL,
  label varchar(255) NOT NULL,
  PRIMARY KEY (poll_id, position),
  UNIQUE KEY poll_options_label_key (poll_id, label),
  CONSTRAINT poll_options_poll_fkey FOREIGN KEY (poll_id) REFERENCES polls (id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- A voter is known here by a keyed hash of the member's number; name and address stay in the membership database.
CREATE TABLE IF NOT EXISTS voters (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  member_hash char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  is_eligible boolean NOT NULL DEFAULT true,
  created_at datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (id),
  UNIQUE KEY voters_member_hash_key (member_hash) COMMENT 'query voter-by-member',
  CONSTRAINT voters_member_hash_check CHECK (member_hash REGEXP '^[0-9a-f]{64}$')
) ENGINE = InnoDB;

-- The key is what keeps a voter to one vote a poll.
CREATE TABLE IF NOT EXISTS participations (
  poll_id bigint unsigned NOT NULL,
  voter_id bigint unsigned NOT NULL,
  voted_on date NOT NULL,
  PRIMARY KEY (poll_id, voter_id),
  KEY participations_voter_idx (voter_id) COMMENT 'foreign key; query polls-of-voter',
  CONSTRAINT participations_poll_fkey FOREIGN KEY (poll_id) REFERENCES polls (id),
  CONSTRAINT participations_voter_fkey FOREIGN KEY (voter_id) REFERENCES voters (id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS ballots (
  id binary(16) NOT NULL,
  poll_id bigint unsigned NOT NULL,
  position tinyint unsigned NOT NULL,
  PRIMARY KEY (id),
  KEY ballots_option_idx (poll_id, position) COMMENT 'foreign key; query result-of-poll',
  CONSTRAINT ballots_option_fkey FOREIGN KEY (poll_id, position) REFERENCES poll_options (poll_id, position)
) ENGINE = InnoDB;
