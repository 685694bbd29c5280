DROP TABLE user_roles;
DROP FUNCTION internal.sign_grant();
DROP TABLE role_permissions;
DROP TABLE permissions;
DROP TABLE roles;
