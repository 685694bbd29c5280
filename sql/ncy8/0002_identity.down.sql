DROP TABLE user_preferences;
DROP TABLE api_keys;
DROP TABLE sessions;
DROP TABLE organization_members;
DROP FUNCTION internal.guard_member_role();
DROP TABLE organizations;
DROP TABLE users;
