DROP FUNCTION maintain_logs();
DROP FUNCTION internal.maintain_log(regclass, name, interval);
DROP FUNCTION purge_deleted();
DROP FUNCTION anonymize_user(uuid);
DROP FUNCTION delete_expired_api_keys(integer);
DROP FUNCTION delete_expired_sessions(integer);
DROP FUNCTION demand_context(regclass);
