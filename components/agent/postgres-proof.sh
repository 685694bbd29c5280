# PostgreSQL's part of a proof (proof.sh): a server for one dump, which is estate-proof's, as its clients are. A dump is loaded there as a
# restore loads it, by a login with the rights of the owner alone. What root writes here lies where estate-proof can lay no link.

# Of the live server: its version, and what a dump does not say.
proof_prepare() {
  find_programs
  export programs newer_settings
  (($#)) || return 0
  on_server -v name="$1" >"$work/live.json" <<'SQL'
SELECT json_build_object('owner', pg_get_userbyid(datdba), 'roles', (SELECT json_agg(rolname) FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_'))
  FROM pg_database WHERE datname = :'name';
SQL
  created_of "$1" >"$work/created"
  extensions_of "$1" >"$work/extensions"
  path_of_functions "$1" >"$work/path"
}

proof_begin() {
  local directory=$1
  as_proof "$programs/initdb" -D "$directory/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync \
    >"$work/install.log" 2>&1 || { tell "no server could be made"; return 1; }
  as_proof tee -a "$directory/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = ''
port = $PORT
unix_socket_directories = '$directory'
unix_socket_permissions = 0700
dynamic_shared_memory_type = mmap
shared_buffers = 64MB
max_connections = 20
max_locks_per_transaction = 1024
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_preload_libraries = ''
CONF
  as_proof "$programs/pg_ctl" start -w -t 120 -s -D "$directory/data" -l "$directory/log" >/dev/null 2>&1 ||
    { tell "the throw-away server does not start"; return 1; }
}
proof_place() {
  SCRATCH=$1 socket=$2 everybody=$proof_user loader=estate_restore_proof
  OWNER=$(jq -r .owner "$work/live.json")
}

proof_load() {
  proof_place "$1" "$2"
  # On a disk: definitions may be large.
  install -d -m 0711 /var/lib/estate-load
  rm -rf /var/lib/estate-load/proof.*
  folder=$(mktemp -d /var/lib/estate-load/proof.XXXXXX)
  chmod 0711 "$folder"
  trap 'rm -rf "$folder"' EXIT
  take_contents "$folder"
  proof_roles
  create_empty "$(cat "$work/created")"
  on_server -v scratch="$SCRATCH" -v loader="$loader" <<<'GRANT CONNECT ON DATABASE :"scratch" TO :"loader";'
  make_extensions '' "$(cat "$work/extensions")"
  choose_entries "$folder" no
  load_entries "$folder" "$(cat "$work/path")"
}

proof_roles() {
  on_server -v owner="$OWNER" -v loader="$loader" -v live="$(base64 -w0 <"$work/live.json")" <<'SQL'
CREATE TEMP TABLE live AS SELECT convert_from(decode(:'live', 'base64'), 'UTF8')::json AS d;
SELECT format('CREATE ROLE %I', role) FROM live, json_array_elements_text(d->'roles') AS role
  WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec
SELECT format('CREATE ROLE %I', role) FROM (VALUES ('estate_backup'), (:'owner')) AS needed (role)
  WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE estate_backup LOGIN BYPASSRLS;
GRANT pg_read_all_data TO estate_backup;
CREATE ROLE :"loader" LOGIN NOINHERIT;
GRANT :"owner" TO :"loader" WITH INHERIT FALSE, SET TRUE;
SQL
}

proof_counts() {
  proof_place "$1" "$2"
  local again="$folder/again"
  row_counts | reading_from "$SCRATCH" | count_lines | sed '/^~$/d' >"$folder/rows"
  install -d -m 0711 "$again"
  pg_program estate-backup estate_backup "$reading" pg_dump -Fc --schema-only -d "$SCRATCH" >"$again/contents"
  archive -l <"$again/contents" >"$again/list"
  cp "$folder/there" "$again/there"
  choose_entries "$again" no
  objects_of "$folder" >"$folder/was"
  objects_of "$again" >"$folder/is"
  # The server writes a condition another way once it was loaded: with other parentheses, and other casts between kinds of text.
  jq -n --slurpfile rows "$folder/rows" --slurpfile was "$folder/was" --slurpfile is "$folder/is" '
    def flat: gsub("[()\\s]|::(?:text|character varying|bpchar)(?:\\[\\])?"; "");
    $was[0] as $was | $is[0] as $is
    | {rows: ($rows | add // {}), faults: [($was + $is) | keys[] | select(($was[.] != $is[.]) and ($was[.] == null or $is[.] == null or (($was[.] | flat) != ($is[.] | flat))))
      | gsub("[[:cntrl:]]"; " ") + if $is[.] == null then " was not made" elif $was[.] == null then " is not in the dump" else " is not as in the dump" end]}'
}

# objects_of FOLDER: {"KIND SCHEMA.NAME": "what makes it", ...} of the entries that were chosen there.
objects_of() {
  cat "$1/before" "$1/after" >"$1/all"
  chmod 0644 "$1/all"
  archive --schema-only --no-owner --no-acl -f - -L "$1/all" <"$1/contents" | grep -avE '^(SET default_|\\(un)?restrict |-- PostgreSQL database dump)' |
    jq -Rs 'split("\n--\n-- Name: ")[1:]
      # A text that looks like the head of an entry belongs to the one before it.
      | reduce .[] as $part ([]; if $part | test("^[^\n]*; Type: [A-Z ]+; Schema: [^\n]*; Owner: ") then . + [$part]
          elif . == [] then . else .[-1] += "\n--\n-- Name: " + $part end)
      | map((capture("^(?<name>.*?); Type: (?<kind>[A-Z ]+); Schema: (?<schema>.*?); Owner: [^\n]*(?<text>.*)$"; "p") // error("an entry without a head"))
      | {key: "\(.kind) \(if .schema == "-" then "" else .schema + "." end)\(.name)", value: (.text | gsub("[-\n]+$"; ""))})
      | group_by(.key) | map({key: .[0].key, value: (map(.value) | sort | join("\n"))}) | from_entries'
}

proof_end() { as_proof "$programs/pg_ctl" stop -s -m immediate -D "$1/data"; }

# A physical copy is held against the list that PostgreSQL has made of it.
verify_copy() {
  local directory=$1
  as_proof mkdir -m 0700 "$directory/copy"
  as_proof tar -x --no-same-owner -C "$directory/copy"
  as_proof "$programs/pg_verifybackup" --quiet --no-parse-wal "$directory/copy" >"$work/verify.log" 2>&1 ||
    { tell "the physical copy is not what PostgreSQL listed of it"; return 1; }
}
