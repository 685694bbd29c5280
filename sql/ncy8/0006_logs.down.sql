DROP TABLE backup_snapshots;
DROP TABLE access_logs;
DROP TABLE error_logs;
