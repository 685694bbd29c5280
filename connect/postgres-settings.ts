/**
 * How every session of ours in a service's database begins. Settings that are given when a session begins outrank ALTER DATABASE .. SET
 * and ALTER ROLE .. SET, so whoever owns a database neither leads a session of ours in it nor stops it: no function or operator of
 * theirs is called in place of PostgreSQL's own (search_path), no other role, no time limit, no other meaning of a literal.
 *
 * The agent and the steps of a restore begin theirs with the same list (components/agent/postgres-session.sh).
 */
export const PINNED_SETTINGS: Readonly<Record<string, string>> = {
  search_path: "pg_catalog",
  role: "none",
  row_security: "on",
  local_preload_libraries: "",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  tcp_user_timeout: "0",
  client_connection_check_interval: "0",
  exit_on_error: "off",
  default_transaction_read_only: "off",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  client_encoding: "UTF8",
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  transform_null_equals: "off",
  array_nulls: "on",
  quote_all_identifiers: "off",
  client_min_messages: "warning",
  check_function_bodies: "on",
  DateStyle: "ISO,MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  xmlbinary: "base64",
  xmloption: "content",
  lc_monetary: "C",
  lc_numeric: "C",
  lc_time: "C",
  gin_fuzzy_search_limit: "0",
  default_table_access_method: "heap",
  default_tablespace: "",
  temp_tablespaces: "",
  default_toast_compression: "pglz",
  password_encryption: "scram-sha-256",
  createrole_self_grant: "",
  synchronous_commit: "on",
  jit: "off",
};

/** Of version 17 on. An unknown setting ends a session, so an older server is not told. */
export const NEWER_SETTINGS: Readonly<Record<string, string>> = { transaction_timeout: "0" };
