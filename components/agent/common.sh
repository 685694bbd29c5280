# What every engine's backup needs. Sourced by agent.sh.

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }
fail() { say "FAILED: $*"; return 1; }
now_ms() { date +%s%3N; }
now_iso() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# whole FILE <content: all of it or nothing, also on a disk that is full, or when this run is killed.
whole() { cat >"$1.part" && sync "$1.part" && mv "$1.part" "$1"; }

# no_room DIRECTORY: what is written there next finds no room.
no_room() { [ -d "$1" ] && (($(df -B1 --output=avail "$1" | tail -n 1) < 4096)); }
# Whether the server answers nobody, for want of room; an engine that does so says it in its own file.
waits_for_room() { false; }
# Whether there are accounts to be saved with the databases; an engine that has none says so in its own file.
has_accounts() { true; }
# server_has_room WHAT: before the server is asked for anything, so that nobody waits for it.
server_has_room() {
  ! waits_for_room || fail "$1: No space left on device where the server keeps its data; it answers nobody until there is room"
}

# Sorts by time, and is never used twice: 20260131T020000Z-1f2e3d4c.
new_id() { printf '%s-%s\n' "$(date -u +%Y%m%dT%H%M%SZ)" "$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')"; }
random_part() { grep -oE 'Z-[0-9a-f]{8}\b' <<<"$1" | tail -n 1; }

# step SECONDS FUNCTION ARGUMENT...: in a Bash of its own, which the first failing command ends, whatever condition its caller stands
# in: `if`, `||` and `!` switch `set -e` off in every function and subshell below them. 124: it took longer than SECONDS (0: any time).
step() {
  local seconds=$1
  shift
  # shellcheck disable=SC2016
  timeout --kill-after=30 "$seconds" bash -euo pipefail -c 'umask 077; source "$lib/agent.sh"; "$@"' step "$@"
}

# What a client that failed with CODE wrote to FILE, in words that hold no row of data.
words_of() {
  local code=$1 file=$2
  if ((code == 124 || code == 137)); then
    if waits_for_room; then echo "the server waits, for its disk is full: No space left on device"; else echo "it took longer than it may"; fi
    return
  fi
  # A full disk may have kept its own words out of FILE.
  if grep -qi 'no space left on device' "$file" || no_room "$(dirname "$file")"; then echo "No space left on device"; return; fi
  # Of what may hold data nothing is shown, and then the code has to do.
  client_words "$file" | grep . || echo "its client ended with $code"
}

# bounded FILE: the beginning of standard input. A service may make a server say as much as the disk takes.
bounded() { head -c 1048576 >"$1"; cat >/dev/null; }

# Waits for a run that is at work: two would fight for the disk, and the second may have been asked for by hand. Whoever works here
# then is alone, so what a run that was killed has left goes.
one_at_a_time() {
  local kind=$1
  install -d -m 0700 "$state"
  install -d -m 0711 "$LOCAL"
  [ "$ENGINE" != postgres ] || install -d -m 0700 -o postgres -g postgres "$LOCAL/wal"
  exec 9>"$state/$kind.lock"
  flock -n 9 || { say "another $kind is at work; waiting for it"; flock -w 14400 9 || fail "another $kind is still at work after 4 h"; }
  rm -rf "$state/$kind".*/
  if [ "$kind" = run ]; then
    # PostgreSQL lays its segments down at any time.
    find "$LOCAL" -path "$LOCAL/wal" -prune -o -type f -name '*.part' -exec rm -f {} +
  else
    rm -rf "$state"/base.*/
    find "$state" -path "$state/sending/*" -type f -name '*.part' -exec rm -f {} +
  fi
  work=$(mktemp -d "$state/$kind.XXXXXX")
  export work
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
}

# Whoever holds the private key reads it, and nobody on this host does.
seal() { zstd -q -T0 -3 | age -R "$etc/recipients.txt"; }
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# put FILE KEY SHA256: one request, which asks that nothing bears this name yet. Prints the status, 000 where no answer came; the
# answer goes to $work/answer. The service takes the body only where it has this sum. Credentials and headers come by standard input.
put() {
  local file=$1 key=$2 sha256=$3
  {
    cat "$etc/bucket.conf"
    printf '%s\n' 'silent' 'show-error' 'proto = "=https"' 'tlsv1.2' 'connect-timeout = 15' 'max-time = 3600' 'speed-limit = 1024' \
      'speed-time = 60' 'header = "If-None-Match: *"'
    printf 'header = "x-amz-content-sha256: %s"\n' "$sha256"
    # A locked bucket asks for a sum among the headers, too; services of others than AWS know the older one.
    printf 'header = "Content-MD5: %s"\n' "$(md5sum <"$file" | cut -c1-32 | tr a-f A-F | basenc --base16 --decode | base64)"
    printf 'header = "x-amz-checksum-sha256: %s"\nheader = "x-amz-sdk-checksum-algorithm: SHA256"\n' \
      "$(printf '%s' "${sha256^^}" | basenc --base16 --decode | base64)"
    printf 'upload-file = "%s"\nurl = "%s/%s"\n' "$file" "$BUCKET_URL" "$key"
    printf 'output = "%s"\nwrite-out = "%%{http_code}"\n' "$work/answer"
    [ ! -e "$etc/ca.crt" ] || printf 'cacert = "%s"\n' "$etc/ca.crt"
  } | curl --disable --config - 2>"$work/curl.log" || true
}

# upload FILE KEY: again after PAUSE, 2*PAUSE, 4*PAUSE, ... seconds, TRIES times in all.
#
# 412 says that the name is taken. It is ours where the name carries the content's own sum, or where an answer to this very upload was
# lost before and the name carries a random part that this run has made: nobody else could know it. Anything else is told.
upload() {
  local file=$1 key=$2 sha256 try status pause=$PAUSE lost=false reason
  sha256=$(sum_of "$file")
  for ((try = 1; ; try++)); do
    : >"$work/answer"
    status=$(put "$file" "$key" "$sha256")
    status=${status:-000}
    case $status in
      200) return 0 ;;
      412)
        if [[ $key == *"$sha256"* ]]; then return 0; fi
        if [ "$lost" = true ] && [ -n "$(random_part "$key")" ]; then
          say "$key was there already: the answer to an earlier try was lost"
          return 0
        fi
        fail "upload of $key: this name is taken in the bucket, which only writes what is not there. Somebody else has written it"
        return 1
        ;;
      000 | 5??) lost=true ;;
    esac
    # The service's own code of an error, a word; or why curl had no answer.
    reason=$(grep -oE '<Code>[A-Za-z0-9]{1,60}</Code>' "$work/answer" | sed 's/<[^>]*>//g' | head -n 1 || true)
    [ "$status" != 000 ] || reason=$(tail -n 1 "$work/curl.log" | cut -c1-200)
    if ((try >= TRIES)); then
      fail "upload of $key: $status ${reason:-no reason given}"
      return 1
    fi
    say "upload of $key failed ($status ${reason:-no reason given}; try $try of $TRIES), again in $pause s"
    sleep "$pause"
    pause=$((pause * 2))
  done
}

# upload_stream KEY PARTS: what does not fit on this disk, in parts KEY.00000, KEY.00001, ... of PART bytes, each of which can be
# tried again. What it is made of goes to the file PARTS, a line of JSON each.
upload_stream() {
  local key=$1 parts=$2 part="$work/part" n=0 name
  : >"$parts"
  while head -c "$PART" >"$part" && [ -s "$part" ]; do
    name=$(printf '%s.%05d' "$key" "$n")
    upload "$part" "$name"
    jq -cn --arg key "$name" --arg sha256 "$(sum_of "$part")" --argjson bytes "$(stat -c %s "$part")" \
      '{key: $key, sha256: $sha256, bytes: $bytes}' >>"$parts"
    n=$((n + 1))
  done
  rm -f "$part"
}
upload_parts() { upload_stream "$2" "$3" <"$1"; }
