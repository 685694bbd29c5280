DROP TABLE api_keys;
DROP TABLE organization_services;
DROP TABLE mcp_servers;
