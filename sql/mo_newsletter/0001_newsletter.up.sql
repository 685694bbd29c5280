-- An address is only ever stored encrypted by the application, and found by its hash. Who leaves for good is deleted.

CREATE TABLE IF NOT EXISTS subscribers (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  -- AES-256-GCM: nonce (12 bytes), ciphertext, tag (16 bytes).
  email_encrypted varbinary(512) NOT NULL,
  -- Which of the application's keys opens it.
  key_version smallint unsigned NOT NULL DEFAULT 1,
  -- SHA-256 of the address in lower case.
  email_hash char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status enum('PENDING', 'ACTIVE', 'UNSUBSCRIBED', 'BOUNCED') NOT NULL DEFAULT 'PENDING',
  -- Of the link in the mail that asks for confirmation.
  confirmation_hash char(64) CHARACTER SET ascii COLLATE ascii_bin,
  confirmed_at datetime,
  unsubscribed_at datetime,
  created_at datetime NOT NULL DEFAULT current_timestamp(),
  updated_at datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (id),
  UNIQUE KEY subscribers_email_hash_key (email_hash) COMMENT 'query subscriber-by-address',
  UNIQUE KEY subscribers_confirmation_hash_key (confirmation_hash) COMMENT 'query subscriber-by-confirmation',
  KEY subscribers_status_idx (status, created_at) COMMENT 'query unconfirmed-subscribers',
  CONSTRAINT subscribers_email_encrypted_check CHECK (octet_length(email_encrypted) > 28),
  CONSTRAINT subscribers_email_hash_check CHECK (email_hash REGEXP '^[0-9a-f]{64}$'),
  CONSTRAINT subscribers_confirmation_hash_check CHECK (confirmation_hash REGEXP '^[0-9a-f]{64}$'),
  -- Nobody gets mail who did not ask for it twice.
  CONSTRAINT subscribers_confirmed_check CHECK (status <> 'ACTIVE' OR confirmed_at IS NOT NULL),
  CONSTRAINT subscribers_unsubscribed_check CHECK (status <> 'UNSUBSCRIBED' OR unsubscribed_at IS NOT NULL)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS lists (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  slug varchar(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name varchar(255) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY lists_slug_key (slug) COMMENT 'query list-by-slug'
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS subscriptions (
  list_id bigint unsigned NOT NULL,
  subscriber_id bigint unsigned NOT NULL,
  subscribed_at datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (list_id, subscriber_id),
  KEY subscriptions_subscriber_idx (subscriber_id) COMMENT 'foreign key; query lists-of-subscriber',
  CONSTRAINT subscriptions_list_fkey FOREIGN KEY (list_id) REFERENCES lists (id) ON DELETE CASCADE,
  CONSTRAINT subscriptions_subscriber_fkey FOREIGN KEY (subscriber_id) REFERENCES subscribers (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS issues (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  list_id bigint unsigned NOT NULL,
  subject varchar(255) NOT NULL,
  body mediumtext NOT NULL,
  sent_at datetime,
  created_at datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (id),
  KEY issues_list_idx (list_id, sent_at) COMMENT 'foreign key; query issues-of-list',
  CONSTRAINT issues_list_fkey FOREIGN KEY (list_id) REFERENCES lists (id)
) ENGINE = InnoDB;
