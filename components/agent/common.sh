# What every engine's backup needs. Sourced by estate-backup.

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }
fail() { say "FAILED: $*"; return 1; }
now_ms() { date +%s%3N; }

# Waits for a run that is at work: two would fight for the disk, and the second may have been asked for by hand.
one_at_a_time() {
  install -d -m 0700 "$state"
  install -d -m 0711 "$LOCAL"
  [ "$ENGINE" != postgres ] || install -d -m 0700 -o postgres -g postgres "$LOCAL/wal"
  exec 9>"$state/$1.lock"
  flock -n 9 || { say "another $1 is at work; waiting for it"; flock -w 14400 9 || fail "another $1 is still at work after 4 h"; }
}

# Whoever holds the private key reads it, and nobody on this host does.
seal() { zstd -q -T0 -3 | age -R "$etc/recipients.txt"; }

# The writer may neither list nor look: rclone must not ask what is there. A name is never used twice, but for the status.
put() {
  rclone --config "$etc/rclone.conf" --no-check-dest --s3-no-head --s3-no-check-bucket --retries 1 --low-level-retries 3 \
    --contimeout 15s --timeout 5m --stats 0 -q "$@"
}

# upload FILE KEY: again after PAUSE, 2*PAUSE, 4*PAUSE, ... seconds, TRIES times in all.
upload() {
  local try pause=$PAUSE
  for ((try = 1; ; try++)); do
    if put copyto "$1" "bucket:$BUCKET/$2" 2>"$state/upload.log"; then return 0; fi
    if ((try >= TRIES)); then
      fail "upload of $2: $(grep -o 'Failed to .*' "$state/upload.log" | tail -n 1 | cut -c1-300)"
      return 1
    fi
    say "upload of $2 failed (try $try of $TRIES), again in $pause s"
    sleep "$pause"
    pause=$((pause * 2))
  done
}

# upload_stream KEY PARTS: what does not fit on this disk, in parts KEY.00000, KEY.00001, ... of PART bytes, each of which can be
# tried again. What it is made of goes to the file PARTS, a line of JSON each.
upload_stream() {
  local part="$state/part" n=0 key code=0
  : >"$2"
  while head -c "$PART" >"$part" && [ -s "$part" ]; do
    key=$(printf '%s.%05d' "$1" "$n")
    upload "$part" "$key" || { code=1; break; }
    jq -cn --arg key "$key" --arg sha256 "$(sha256sum <"$part" | cut -d' ' -f1)" --argjson bytes "$(stat -c %s "$part")" \
      '{key: $key, sha256: $sha256, bytes: $bytes}' >>"$2"
    n=$((n + 1))
  done
  rm -f "$part"
  return "$code"
}

upload_text() {
  local file
  file=$(mktemp "$state/text.XXXXXX")
  cat >"$file"
  local code=0
  upload "$file" "$1" || code=1
  rm -f "$file"
  return "$code"
}
