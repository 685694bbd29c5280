DROP FUNCTION identity_of(uuid, uuid);
DROP TABLE team_members;
ALTER TABLE teams DROP CONSTRAINT teams_created_by_fkey;
DROP TABLE users;
DROP TABLE teams;
