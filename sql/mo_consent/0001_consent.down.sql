DROP TRIGGER IF EXISTS consent_records_no_delete;
DROP TRIGGER IF EXISTS consent_records_no_update;
DROP TABLE IF EXISTS consent_records;
