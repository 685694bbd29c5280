# Redis: of each queue the copy that its instance writes by itself (`save`), or the base of its append-only file where that is newer. It is
# read as the user that instances run as: no login at Redis, and so none that a host which was taken over could use. What is in it comes
# from a service: names of keys are data, and appear nowhere.
readonly instances=/var/lib/redis

has_accounts() { false; }
server_version() { redis-server --version | grep -o ' v=[0-9.]*' | cut -c4-; }
dump_version() { redis-check-rdb --version; }
extension_of() { echo rdb; }
logs_changes() { false; }
# One life of this host: another one begins with empty queues.
epoch() {
  [ -s "$state/epoch" ] || date -u +%Y%m%dT%H%M%SZ | whole "$state/epoch"
  cat "$state/epoch"
}

# dump NAME KEYS: the copy to standard output, the number of its keys that have no lifetime to the file KEYS as JSON. Of the others some
# are gone when it is read again.
dump() {
  local name=$1 keys=$2 copy="$work/copy.rdb"
  own_copy "$instances/${name#svc_}" "$copy"
  # Nobody else gets to where it lies; what takes it apart is given it open.
  chmod 0644 "$copy"
  count_keys "$copy" >"$keys"
  cat "$copy"
  rm -f "$copy"
}

# From where it may be, wherever root stands: find fails where it cannot go back.
as_instance() { runuser -u redis -- env -i -C / PATH=/usr/bin:/bin LC_ALL=C "$@"; }

# own_copy DIRECTORY FILE: the newest that holds what was changed until now. An instance begins one a minute after a change at the
# latest; one that cannot write it refuses further writes.
own_copy() {
  local directory=$1 file=$2 changed begun path began=$SECONDS most
  as_instance test -d "$directory/appendonlydir" || { tell "there is no queue in $directory. Run: pulumi up"; return 1; }
  most=$(($(df -B1 --output=avail "$work" | tail -n 1) / 2))
  changed=$(changed_at "$directory")
  while read -r begun path <<<"$(newest_copy "$directory")"; do
    if ((begun < changed && SECONDS - began < SAVE_SECONDS)); then sleep 1; continue; fi
    # It may be replaced meanwhile: what was opened stays whole. No link is followed, and no more is taken than there is room for.
    if [ -n "$path" ]; then
      if as_instance dd if="$path" iflag=nofollow,nonblock bs=1M status=none | head -c "$most" >"$file"; then break; fi
      (($(stat -c %s "$file") < most)) || { tell "No space left on device for the copy"; return 1; }
    fi
    ((SECONDS - began < SAVE_SECONDS)) || { tell "the instance has written no copy"; return 1; }
    sleep 1
  done
  ((begun >= changed)) || jq -n --arg of "$(shown "$begun")" --arg until "$(shown "$changed")" \
    '["the instance wrote no copy after \($of), and its queue was changed until \($until)"]' >"$work/notes.json"
}
shown() { date -u -d "@$(($1 / 1000000))" +%FT%TZ; }

# Of the last change that no base holds, in microseconds; 0: there is none.
changed_at() {
  as_instance find "$1/appendonlydir" -maxdepth 1 -type f -name '*.incr.aof' -size +0 -printf '%T@\n' | newest_of
}
# newest_copy DIRECTORY: when it was begun, in microseconds, and its path; 0 where there is none. The file is as old as the copy (where its
# file system does not know, it was written then): an instance writes another one and renames it.
newest_copy() {
  as_instance find "$1" -maxdepth 2 -type f \( -path "$1/dump.rdb" -o -path "$1/appendonlydir/appendonly.aof.*.base.rdb" \) \
    -exec stat -c '%.6W %.6Y %n' {} + | sed -E 's/^(0\.0+|-) //; t; s/^(\S+) \S+/\1/' | newest_of
}
# Of lines `SECONDS.FRACTION ...` the greatest one, in microseconds.
newest_of() {
  grep -E '^[0-9]+\.[0-9]{6}[0-9]*( [a-z0-9_./]+)?$' | sort -n | tail -n 1 | sed -E 's/^([0-9]+)\.([0-9]{6})[0-9]*/\1\2/' | grep . || echo 0
}

# count_keys FILE: reads it to its end, with its sum. In no network, and by somebody who has nothing: it takes apart what a service wrote.
count_keys() {
  timeout --signal=KILL "$PROOF_SECONDS" unshare --net --pid --fork --kill-child \
    prlimit --as="$PROOF_MEMORY" --core=0 -- runuser -u estate-proof -- env -i LC_ALL=C redis-check-rdb /proc/self/fd/0 \
    <"$1" >"$work/check.txt" 2>&1 || { tell "what the instance wrote is no whole copy"; return 1; }
  counts_in "$work/check.txt" | jq '{keys}'
}
# counts_in FILE: of what redis-check-rdb says. `keys` have no lifetime; `fading` are hashes with fields that have one (Redis 8): they are
# gone with their last field, whether they have one themselves or not.
counts_in() {
  awk '/^\[info\] [0-9]+ keys read$/ { keys = $2 } /^\[info\] [0-9]+ expires$/ { expire = $2; told = 1 }
    /^\[info\] [0-9]+ subexpires$/ { fading = $2 }
    END { if (!told) exit 1; printf "{\"keys\": %d, \"fading\": %d}\n", keys - expire, fading }' "$1" ||
    { tell "redis-check-rdb did not count the keys"; return 1; }
}

# Proof (proof.sh): a server for one copy, which is estate-proof's. A restore lets it write the append-only file that the instance then reads.
proof_begin() { :; }
proof_load() {
  as_proof tee "$2/dump.rdb" >/dev/null
  as_proof redis-check-rdb "$2/dump.rdb" >"$work/loaded.txt" 2>&1 || { tell "the copy does not load"; return 1; }
  counts_in "$work/loaded.txt" >"$work/loaded.json"
  serve_proof "$2" no
}
# serve_proof DIRECTORY APPENDONLY: comes back when it has read everything.
serve_proof() {
  local directory=$1 server
  as_proof redis-server --port 0 --unixsocket "$directory/socket" --unixsocketperm 700 --dir "$directory" --dbfilename dump.rdb \
    --save '' --appendonly "$2" --sanitize-dump-payload yes --maxmemory-policy noeviction >/dev/null 2>&1 &
  server=$!
  until [ "$(asked_of "$directory" PING 2>/dev/null)" = PONG ]; do
    kill -0 "$server" 2>/dev/null || { tell "the copy does not load"; return 1; }
    sleep 0.1
  done
}
# asked_of DIRECTORY COMMAND...
asked_of() { as_proof redis-cli -s "$1/socket" "${@:2}"; }

# Of each key alone: names of keys stay where they are. One at a time: a service gives them names of some hundred MB.
readonly look_at_keys="
  local cursor, lasting, foreign = '0', 0, 0
  repeat
    local page = redis.call('SCAN', cursor, 'COUNT', 1)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      if redis.call('PTTL', key) == -1 then lasting = lasting + 1 end
      if string.sub(key, 1, #ARGV[1]) ~= ARGV[1] then foreign = foreign + 1 end
    end
  until cursor == '0'
  return {lasting, foreign}"

# The copy has to hold what its manifest says, which no time changes, and the server all of it but hashes that have faded since.
proof_counts() {
  local name=$1 directory=$2 prefix looked others functions
  prefix=$(prefix_of "$name")
  looked=$(asked_of "$directory" EVAL "$look_at_keys" 0 "$prefix")
  others=$(asked_of "$directory" INFO keyspace | grep -c '^db[1-9]' || true)
  functions=$(asked_of "$directory" FUNCTION LIST | wc -w)
  [[ $looked =~ ^([0-9]+)$'\n'([0-9]+)$ ]] || { tell "the copy was not looked through"; return 1; }
  jq --argjson lasting "${BASH_REMATCH[1]}" --argjson foreign "${BASH_REMATCH[2]}" --argjson others "$others" \
    --argjson functions "$functions" --arg prefix "$prefix" \
    '{rows: {keys}, faults: [
      (if $lasting > .keys or $lasting < .keys - .fading then "of \(.keys) keys without a lifetime \($lasting) were loaded" else empty end),
      (if $foreign > 0 then "\($foreign) keys do not begin with \($prefix)" else empty end),
      (if $others > 0 then "there are keys in another logical database than 0" else empty end),
      (if $functions > 0 then "there is a library of functions, which no service may load" else empty end)]}' "$work/loaded.json"
}
prefix_of() {
  local entry
  for entry in $QUEUES; do
    if [ "${entry%%/*}" = "$1" ]; then printf '%s\n' "${entry#*/}"; return; fi
  done
  return 1
}
proof_end() { asked_of "$1" SHUTDOWN NOSAVE; }

# stage NAME DIR: from the copy on standard input to what an instance reads, `appendonlydir` as an archive of tar. What it holds is counted by
# another start, from the files themselves, and goes to $work/counted.json. For a restore, within limits.
stage() {
  local name=$1 directory=$2 info
  proof_load "$name" "$directory"
  asked_of "$directory" CONFIG SET appendonly yes >/dev/null
  while info=$(asked_of "$directory" INFO persistence) && [[ $info =~ aof_rewrite_(in_progress|scheduled):1 ]]; do
    # One that could not write it tries again for ever, and does not end when it is asked to.
    [[ $info != *aof_last_bgrewrite_status:err* ]] || break
    sleep 0.1
  done
  [[ $info == *aof_last_bgrewrite_status:ok* ]] ||
    { tell "the copy did not become an append-only file: is there room in $PROOF_DIR?"; return 1; }
  proof_end "$directory" >/dev/null
  while [ -S "$directory/socket" ]; do sleep 0.1; done
  as_proof rm -f "$directory/dump.rdb"
  serve_proof "$directory" yes </dev/null
  proof_counts "$name" "$directory" </dev/null >"$work/counted.json"
  proof_end "$directory" >/dev/null
  as_proof tar -c -C "$directory" appendonlydir
}
