DROP TABLE sessions;
DROP TABLE organization_memberships;
DROP TABLE users;
DROP TABLE organizations;
DROP FUNCTION internal.refuse_own_role();
