DROP FUNCTION open_secret(bytea, bytea, uuid, integer);
DROP FUNCTION seal_secret(text, bytea, uuid, integer);
DROP FUNCTION internal.row_key(bytea, uuid, integer, text);
