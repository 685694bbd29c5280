# How a session of ours with PostgreSQL begins. Sourced by the agent, and put before the steps of a restore. Needs: PORT.
#
# Settings that are given when a session begins outrank ALTER DATABASE .. SET and ALTER ROLE .. SET, so whoever owns a database
# neither leads a session of ours in it nor stops it. The same list as PINNED_SETTINGS in connect/postgres-settings.ts.
readonly pinned_settings="
  -c search_path=pg_catalog -c role=none -c row_security=on -c local_preload_libraries=
  -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0
  -c tcp_user_timeout=0 -c client_connection_check_interval=0 -c exit_on_error=off
  -c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off
  -c client_encoding=UTF8 -c standard_conforming_strings=on -c backslash_quote=safe_encoding -c transform_null_equals=off
  -c array_nulls=on -c quote_all_identifiers=off -c client_min_messages=warning -c check_function_bodies=on
  -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c TimeZone=UTC -c bytea_output=hex -c extra_float_digits=1
  -c xmlbinary=base64 -c xmloption=content -c lc_monetary=C -c lc_numeric=C -c lc_time=C -c gin_fuzzy_search_limit=0
  -c default_table_access_method=heap -c default_tablespace= -c temp_tablespaces= -c default_toast_compression=pglz
  -c password_encryption=scram-sha-256 -c createrole_self_grant= -c synchronous_commit=on -c jit=off"
# A throw-away server's is elsewhere, and everybody there is one user of the system.
socket=/var/run/postgresql
everybody=

# pg_program OS-USER ROLE SETTINGS PROGRAM [ARGUMENT...]: a client of the running server's own version. Nothing of this
# process's environment reaches it.
pg_program() {
  local user=$1 role=$2 settings=$3 program=$4
  shift 4
  [ -n "${programs:-}" ] || find_programs
  runuser -u "${everybody:-$user}" -- env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent PGHOST="$socket" PGPORT="$PORT" PGUSER="$role" \
    PGPASSFILE=/nonexistent PGSERVICEFILE=/nonexistent PGSYSCONFDIR=/nonexistent PGAPPNAME=database-estate \
    PGOPTIONS="$(tr '\n' ' ' <<<"$pinned_settings$newer_settings $settings")" "$programs/$program" "$@"
}
pg_client() { pg_program "$1" "$2" "$3" psql -X -q -A -t -v ON_ERROR_STOP=1 "${@:4}"; }

# Where two versions are installed, that of the server counts: an older pg_dump refuses, and a newer archive is refused.
find_programs() {
  local of_server
  newer_settings=
  programs=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/psql' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
  # Else the client below would look for itself, without end.
  [ -n "$programs" ] || { tell "there is no PostgreSQL on this host. Run: pulumi up"; exit 1; }
  of_server=$(pg_client postgres postgres '' -d postgres -c 'SELECT current_setting($$server_version_num$$)::int / 10000')
  [[ $of_server =~ ^[0-9]+$ ]] || return 1
  [ ! -x "/usr/lib/postgresql/$of_server/bin/pg_dump" ] || programs=/usr/lib/postgresql/$of_server/bin
  # An unknown setting ends a session: this came with version 17.
  ((of_server < 17)) || newer_settings=' -c transaction_timeout=0'
}

# The server's administrator, in the database that no service can change: never in a service's own, but where a comment says why.
on_server() { pg_client postgres postgres '' -d postgres "$@"; }

# A login that can only read, in any database. A lock that others hold ends it after LOCK_WAIT, and it does not outlive its client; views and
# foreign tables that stand where a table stood a moment ago are not followed.
readonly reading="-c default_transaction_read_only=on -c row_security=off -c lock_timeout=${LOCK_WAIT:=60s} -c client_connection_check_interval=10s
  -c restrict_nonsystem_relation_kind=view,foreign-table"
# reading_from DATABASE [ARGUMENT...]
reading_from() { pg_client estate-backup estate_backup "$reading" -d "$1" "${@:2}"; }

# For count_lines: a JSON object, rows by table, and `~`. A name with a dot in it is quoted: "a.b".c is not a."b.c". What extensions bring is
# not a backup's. Parts by the hash of an enum are counted together: its labels have other numbers in each database, and so rows other parts.
# Nothing is planned: that would call functions that a service wrote, constant in an index or in statistics, with the rights
# of whoever counts. COPY calls nothing.
row_counts() {
  cat <<'SQL'
SELECT '\:';
SELECT format('SELECT %L', '\:' || to_json(CASE WHEN strpos(w.nspname || w.relname, '.') > 0 THEN format('%I.%I', w.nspname, w.relname)
      ELSE w.nspname || '.' || w.relname END)::text),
    -- Bytes as they lie there.
    format('COPY %I.%I TO STDOUT (ENCODING ''SQL_ASCII'')', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    LATERAL (SELECT nspname, relname FROM pg_class JOIN pg_namespace x ON x.oid = relnamespace WHERE pg_class.oid = coalesce(
      (SELECT a.relid FROM pg_partition_ancestors(c.oid) WITH ORDINALITY a (relid, nr) JOIN pg_partitioned_table p ON p.partrelid = a.relid
        WHERE partstrat = 'h' AND EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (partclass) AND opcintype = 'anyenum'::regtype)
        ORDER BY nr DESC LIMIT 1), c.oid)) w
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$)'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e') \gexec
SELECT '\:~';
SQL
}

# What psql makes of row_counts, and other lines as they are. A row is a line, however long it is, and none begins with `\:`, as ours do:
# `\:` the count begins, `\:"NAME"` a table begins, `\:~` it is through.
count_lines() {
  # shellcheck disable=SC2016
  perl -we '
    use strict;
    $| = 1;
    my ($text, $fresh, $counting, $table, %rows) = ("", 1, 0, "");
    while (sysread(STDIN, $text, 1 << 18, length $text)) {
      while (length $text) {
        if ($fresh && (!$counting || index("\\:", substr($text, 0, 2)) == 0)) {
          my $end = index($text, "\n");
          # Of a row, which "\\" begins, it may be the half.
          last if $end < 0;
          my $line = substr($text, 0, $end + 1, "");
          if ($counting && substr($line, 0, 2) ne "\\:") { $rows{$table}++ }
          elsif ($line eq "\\:\n") { $counting = 1; %rows = () }
          elsif ($line eq "\\:~\n") { $counting = 0; print "{", join(", ", map { "$_: $rows{$_}" } sort keys %rows), "}\n~\n" }
          elsif ($counting) { $table = substr($line, 2, -1); $rows{$table} += 0 }
          else { print $line }
          next;
        }
        my $end = index($text, "\n\\:");
        $end = $end < 0 ? length $text : $end + 1;
        # The beginning of a line of ours may be cut.
        $end-- if substr($text, 0, $end) =~ /\n\\\z/;
        my $part = substr($text, 0, $end, "");
        $rows{$table} += $part =~ tr/\n//;
        $fresh = $part =~ /\n\z/ ? 1 : 0;
      }
    }
    exit($counting || length $text ? 1 : 0);
  '
}
