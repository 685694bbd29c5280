DROP FUNCTION search_servers(text, text[], integer);
DROP FUNCTION all_server_usage();
DROP FUNCTION team_server_usage();
DROP FUNCTION internal.refresh_server_usage();
DROP MATERIALIZED VIEW server_usage;
DROP VIEW server_statistics;
DROP VIEW user_dashboard;
