DROP FUNCTION internal.purge_audit_archive();
DROP FUNCTION internal.archive_audit_logs(integer);
DROP FUNCTION internal.empty_audit_default(timestamptz, text);
DROP FUNCTION internal.make_audit_partitions(integer);
DROP TABLE audit_retention;
DROP TABLE audit_logs_archive;
