# MariaDB's part of a proof (proof.sh): a server for one dump, which is estate-proof's, as its clients are: what a dump holds has power over
# that user alone. What root writes here lies in its own $work, and never where estate-proof could have laid a link.
# Pasted, each checked or constant: database charset collation 1

# How the live database was created, which its dump does not say.
proof_prepare() {
  (($#)) || return 0
  declared_name "$1"
  root_sql <<<"SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = '$1'" \
    >"$work/created"
}

proof_begin() {
  local directory=$1 pid
  proof_server "$directory"
  as estate-proof mkdir "$directory/data" "$directory/tmp"
  as estate-proof env PATH=/usr/sbin:/usr/bin:/bin mariadb-install-db --no-defaults --datadir="$directory/data" --tmpdir="$directory/tmp" \
    --skip-test-db --auth-root-authentication-method=socket --auth-root-socket-user=estate-proof --innodb-log-file-size=64M \
    --loose-innodb-buffer-pool-size-max=256M >"$work/install.log" 2>&1 || { tell "no server could be made"; return 1; }
  as estate-proof env PATH=/usr/sbin:/usr/bin:/bin TZ=UTC mariadbd --no-defaults --datadir="$directory/data" --tmpdir="$directory/tmp" \
    --socket="$SOCKET" --pid-file="$directory/pid" --skip-networking --skip-log-bin --event-scheduler=off --local-infile=off \
    --secure-file-priv="$directory/tmp" --symbolic-links=0 --max-allowed-packet=1G --innodb-flush-log-at-trx-commit=0 \
    --innodb-log-file-size=256M --innodb-buffer-pool-size=256M --loose-innodb-buffer-pool-size-max=256M >"$work/server.log" 2>&1 </dev/null &
  pid=$!
  for _ in {1..240}; do
    if as_loader mysql <<<'SELECT 1' >/dev/null 2>&1; then return 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.25
  done
  tell "the throw-away server does not start: $(grep -oE '\[ERROR\] [A-Za-z: ]+' "$work/server.log" | tail -n 1)"
  return 1
}
proof_server() { SOCKET=$1/socket loading_user=estate-proof; }

proof_load() {
  local database=$1 charset collation
  proof_server "$2"
  declared_name "$database"
  read -r charset collation <"$work/created"
  [[ $charset$collation =~ ^[a-z0-9_]+$ ]] || { tell "the live database does not say how it was created"; return 1; }
  as_loader mysql <<<"CREATE DATABASE \`$database\` CHARACTER SET $charset COLLATE $collation"
  take_code "$work/proof-code.jsonl" | as_loader "$database"
  # Whose it is does not matter here.
  jq -c 'select(.broken | not) | .definer = {user: "estate-proof", host: "localhost"}' "$work/proof-code.jsonl" >"$work/proof-make.jsonl"
  LIVE=$database make_code "$database" "$work/proof-make.jsonl"
}

proof_counts() {
  local database=$1
  proof_server "$2"
  as_loader --raw "$database" <<<"$COUNT_ROWS" | jq -cs 'add // {}' >"$work/proof-rows.json"
  code_objects as_loader "$database" >"$work/proof-made.jsonl"
  tables_of as_loader estate-proof --no-data "$database" | plain_tables "$database" "$work/proof-none.json" "$work/proof-structure.json" >/dev/null
  LIVE=$database code_notes "$work/proof-make.jsonl" >"$work/proof-notes"
  jq -n --slurpfile rows "$work/proof-rows.json" --slurpfile was "$work/structure.json" --slurpfile is "$work/proof-structure.json" \
    --slurpfile code "$work/proof-code.jsonl" --slurpfile made "$work/proof-made.jsonl" --rawfile notes "$work/proof-notes" --slurpfile left "$work/proof-make.jsonl.left" '
    def shown: if test("^[\\w$ ]+$") then . else tojson end;
    # An event whose time is over is not made, or made switched off.
    def state: if .kind == "event" then .text |= sub("(?<before>ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE ON SLAVE|DISABLE)"; .before) else . end;
    def named: map(select(.broken | not) | {(.kind + " " + .name): (del(.definer, .broken) | state)}) | add // {};
    [$left[] | select(.error == 65535) | "event " + .name] as $over
    | (($was[0] + ($code | named)) | delpaths($over | map([.]))) as $was | ($is[0] + ($made | named)) as $is
    | {rows: $rows[0], faults: (($notes | split("\n") | map(select(. != "" and (endswith(" is over, and is left out") | not))))
        + [($was + $is) | keys[] | select($was[.] != $is[.])
           | shown + if $is[.] == null then " was not made" elif $was[.] == null then " is not in the dump" else " is not as in the dump" end])}'
}

proof_end() { as estate-proof env PATH=/usr/bin:/bin mariadb-admin --no-defaults --skip-ssl --protocol=socket --socket="$1/socket" shutdown; }

# A physical copy is made ready as a recovery would.
verify_copy() {
  local directory=$1
  as estate-proof mkdir "$directory/data" "$directory/tmp"
  as estate-proof mbstream -x -C "$directory/data"
  as estate-proof mariadb-backup --no-defaults --prepare --target-dir="$directory/data" --tmpdir="$directory/tmp" --use-memory=256M \
    --loose-innodb-buffer-pool-size-max=256M >"$work/prepare.log" 2>&1 ||
    { tell "the physical copy cannot be made ready: $(grep -oE 'InnoDB: [A-Za-z ]+' "$work/prepare.log" | tail -n 1)"; return 1; }
}
