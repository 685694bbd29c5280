-- Evidence of who agreed to what, and when. A withdrawal is a row of its own; nothing is changed afterwards but to take the
-- person out.

CREATE TABLE IF NOT EXISTS consent_records (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  -- SHA-256 of the address in lower case; of something else once the record is anonymised.
  email_hash char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  purpose varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  granted boolean NOT NULL,
  -- Which text was agreed to.
  policy_version varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  consent_timestamp datetime(3) NOT NULL,
  -- Keyed by the application: there are too few addresses for a plain hash to hide one.
  ip_hash char(64) CHARACTER SET ascii COLLATE ascii_bin,
  anonymized_at datetime(3),
  created_at datetime(3) NOT NULL DEFAULT current_timestamp(3),
  PRIMARY KEY (id),
  KEY consent_records_person_idx (email_hash, purpose, consent_timestamp) COMMENT 'query consent-of-person',
  KEY consent_records_timestamp_idx (consent_timestamp) COMMENT 'query consents-past-retention: 7 years',
  CONSTRAINT consent_records_email_hash_check CHECK (email_hash REGEXP '^[0-9a-f]{64}$'),
  CONSTRAINT consent_records_ip_hash_check CHECK (ip_hash REGEXP '^[0-9a-f]{64}$'),
  CONSTRAINT consent_records_anonymized_check CHECK ((ip_hash IS NULL) = (anonymized_at IS NOT NULL))
) ENGINE = InnoDB;

DELIMITER //
CREATE OR REPLACE TRIGGER consent_records_no_update BEFORE UPDATE ON consent_records FOR EACH ROW
BEGIN
  IF OLD.anonymized_at IS NOT NULL OR NEW.anonymized_at IS NULL
    OR (NEW.id, NEW.purpose, NEW.granted, NEW.policy_version, NEW.consent_timestamp, NEW.created_at)
      <> (OLD.id, OLD.purpose, OLD.granted, OLD.policy_version, OLD.consent_timestamp, OLD.created_at)
  THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a consent record is only ever anonymised: add another one';
  END IF;
END //
CREATE OR REPLACE TRIGGER consent_records_no_delete BEFORE DELETE ON consent_records FOR EACH ROW
BEGIN
  IF OLD.consent_timestamp > current_timestamp() - INTERVAL 7 YEAR THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a consent record is kept for 7 years: anonymise it';
  END IF;
END //
DELIMITER ;
