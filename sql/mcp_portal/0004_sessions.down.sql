DROP FUNCTION internal.clean_sessions(integer);
DROP TABLE user_sessions;
