CREATE TABLE `consent_records` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `email_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `purpose` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `granted` tinyint(1) NOT NULL,
  `policy_version` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `consent_timestamp` datetime(3) NOT NULL,
  `ip_hash` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `anonymized_at` datetime(3) DEFAULT NULL,
  `created_at` datetime(3) NOT NULL DEFAULT current_timestamp(3),
  PRIMARY KEY (`id`),
  KEY `consent_records_person_idx` (`email_hash`,`purpose`,`consent_timestamp`) COMMENT 'query consent-of-person',
  KEY `consent_records_timestamp_idx` (`consent_timestamp`) COMMENT 'query consents-past-retention: 7 years',
  CONSTRAINT `consent_records_email_hash_check` CHECK (`email_hash` regexp '^[0-9a-f]{64}$'),
  CONSTRAINT `consent_records_ip_hash_check` CHECK (`ip_hash` regexp '^[0-9a-f]{64}$'),
  CONSTRAINT `consent_records_anonymized_check` CHECK (`ip_hash` is null = (`anonymized_at` is not null))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

DELIMITER ;;
CREATE TRIGGER consent_records_no_update BEFORE UPDATE ON consent_records FOR EACH ROW
BEGIN
  IF OLD.anonymized_at IS NOT NULL OR NEW.anonymized_at IS NULL
    OR (NEW.id, NEW.purpose, NEW.granted, NEW.policy_version, NEW.consent_timestamp, NEW.created_at)
      <> (OLD.id, OLD.purpose, OLD.granted, OLD.policy_version, OLD.consent_timestamp, OLD.created_at)
  THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a consent record is only ever anonymised: add another one';
  END IF;
END ;;
DELIMITER ;

DELIMITER ;;
CREATE TRIGGER consent_records_no_delete BEFORE DELETE ON consent_records FOR EACH ROW
BEGIN
  IF OLD.consent_timestamp > current_timestamp() - INTERVAL 7 YEAR THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a consent record is kept for 7 years: anonymise it';
  END IF;
END ;;
DELIMITER ;
