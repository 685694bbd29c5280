DROP TABLE user_server_configs;
DROP FUNCTION internal.complete_config();
DROP TABLE encryption_keys;
DROP TABLE mcp_servers;
