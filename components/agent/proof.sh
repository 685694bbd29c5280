# Proof by loading: on its way to the bucket a dump is also loaded into a throw-away engine, and what came of it is compared. No key is
# needed for that. What is proven comes from a service, so the engine that takes it has nothing: a user of its own (estate-proof), a
# network of its own without a way out, processes that end with it, and limits on time, memory and disk.
#
# What $ENGINE.sh gives for it; each is called in that closed place, with DIR as working directory:
#
#   proof_prepare [DATABASE]   before that, outside of it: what has to be asked of the live server, into $work or the environment. Without
#                              DATABASE: for a physical copy. It may be missing.
#   proof_begin DIR            starts the engine with everything of it below DIR (owner: estate-proof), reachable by a socket below DIR
#                              alone; comes back when it takes a load. Started as estate-proof: setpriv/runuser is the function's.
#   proof_load DATABASE DIR    loads the dump on standard input, and fails where anything of it fails.
#   proof_counts DATABASE DIR  prints {"rows": {"TABLE": N, ...}, "faults": ["..."]}: rows of each table, named as `dump` names them in
#                              ROWS, and in words what of the structure is not as in the live database or is not usable.
#   proof_end DIR              stops it. What does not stop is killed, and DIR is removed, by the frame.
#   verify_copy DIR            reads a physical copy (as physical_copy writes it) from standard input and fails where it could not be
#                              started from: pg_verifybackup, mariadb-backup --prepare.
#
# Standard error may hold rows of data: it goes to $work/proof.log, which client_words reads, and to no other place. An engine without these
# functions has no proof, and `estate backup status` says so.

readonly proof_user=estate-proof
as_proof() { runuser -u "$proof_user" -- env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent "$@"; }

# Names of the databases to prove tonight: whose proof is six days old or none, the oldest first, as many as it takes that each has its
# turn in a week; and before those equally old, what has changed since. None again within PROOF_REST seconds.
choose_proofs() {
  [ "$PROOF" = yes ] && declare -F proof_begin >/dev/null || return 0
  local entry database total=0 nightly
  for entry in $DATABASES; do total=$((total + 1)); done
  nightly=$(((total + 5) / 6))
  install -d -m 0700 "$state/proofs"
  for entry in $DATABASES; do
    database=${entry%%:*}
    (($(date +%s) - $(last_try "$database") >= ${PROOF_REST:-0})) || continue
    printf '%s %s %s\n' "$(proof_age "$database")" "$(has_changed "$database")" "$database"
  done | sort -k1,1nr -k2,2nr -k3,3 | head -n "$nightly" | cut -d' ' -f3
}

# When the last try was, good or bad, in seconds; 0: there is none.
last_try() {
  local newest
  newest=$(find "$state/proofs" -maxdepth 1 \( -name "$1.json" -o -name "$1.tried" \) -printf '%T@\n' | sort -n | tail -n 1)
  newest=${newest%.*}
  echo "${newest:-0}"
}
# Days since then.
proof_age() { echo $((($(date +%s) - $(last_try "$1")) / 86400)); }

# 1: the rows of its newest dump are not those of its last proof.
has_changed() {
  local newest
  newest=$(find "$LOCAL/$1" -maxdepth 1 -name '*.json' 2>/dev/null | sort | tail -n 1)
  if [ -n "$newest" ] && [ -s "$state/proofs/$1.json" ] &&
    jq -en --slurpfile a "$newest" --slurpfile b "$state/proofs/$1.json" '$a[0].rows == $b[0].rows' >/dev/null; then
    echo 0
  else
    echo 1
  fi
}

# within_limits NAME FUNCTION ARGUMENT...: in the closed place, with its directory as last argument. The end of this is the end of all
# that it has started. Why it failed is in $work/proof.words.
within_limits() {
  local name=$1 directory bytes code=0 watcher
  shift
  # What is live here needs the disk, too.
  bytes=$(($(df -B1 --output=avail "$(dirname "$PROOF_DIR")" | tail -n 1 | tr -d ' ') / 2))
  ((bytes < PROOF_BYTES)) || bytes=$PROOF_BYTES
  install -d -m 0711 "$PROOF_DIR"
  directory="${PROOF_DIR:?}/$name"
  rm -rf "$directory"
  install -d -m 0700 -o estate-proof -g estate-proof "$directory"
  rm -f "$work/proof.err"
  mkfifo -m 0600 "$work/proof.err"
  bounded "$work/proof.log" <"$work/proof.err" &
  local bounder=$!
  # shellcheck disable=SC2016
  timeout --signal=KILL "$PROOF_SECONDS" unshare --net --mount --pid --fork --kill-child --mount-proc \
    prlimit --as="$PROOF_MEMORY" --fsize="$bytes" --nproc=512 --core=0 \
    bash -euo pipefail -c 'umask 077; source "$lib/agent.sh"; close_place; cd "$1"; shift; "$@"' \
    proof "$directory" "$@" "$directory" <&0 2>"$work/proof.err" &
  local job=$!
  watch_disk "$directory" "$job" "$bytes" &
  watcher=$!
  wait "$job" || code=$?
  kill "$watcher" 2>/dev/null || true
  wait "$bounder"
  rm -rf "$directory"
  if ((code == 124 || code == 137)); then
    echo "it took more time, memory or disk than it may ($PROOF_SECONDS s, $(numfmt --to=iec "$PROOF_MEMORY"), $(numfmt --to=iec "$bytes"))" >"$work/proof.words"
  elif ((code != 0)); then
    words_of "$code" "$work/proof.log" >"$work/proof.words"
  fi
  return "$code"
}

# What is live on this host is out of sight. The out-of-memory killer comes here first.
close_place() {
  local place
  echo 1000 >/proc/self/oom_score_adj
  for place in /run/mysqld /run/postgresql /var/lib/mysql /var/lib/postgresql /var/lib/redis; do
    [ ! -d "$place" ] || mount -t tmpfs -o ro,size=4k,nosuid,nodev,noexec none "$place"
  done
  # What everybody may write to would fill the disk past every limit, and stay.
  for place in /tmp /var/tmp /dev/shm; do
    [ ! -d "$place" ] || mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev,noexec none "$place"
  done
}

# By the kernel each file is limited; this is for all of them. JOB is `timeout`, which leads a group of its own.
# watch_disk DIRECTORY JOB BYTES
watch_disk() {
  while sleep 1; do
    (($(du -s --block-size=1 "$1" 2>/dev/null | cut -f1) <= $3)) || { kill -KILL -- "-$2"; return; }
  done
}

# prove DATABASE: the dump on standard input. What was counted goes to $work/counted.json.
prove() {
  rm -f "$work/counted.json"
  echo "what is live could not be asked" >"$work/proof.words"
  proof_asks "$1" || return 1
  within_limits "$1" prove_within "$1" >"$work/counting.json" || return 1
  mv "$work/counting.json" "$work/counted.json"
}
proof_asks() { ! declare -F proof_prepare >/dev/null || proof_prepare "$@"; }
prove_within() {
  local database=$1 directory=$2
  proof_begin "$directory" </dev/null >&2
  proof_load "$database" "$directory" >&2
  proof_counts "$database" "$directory" </dev/null
  proof_end "$directory" </dev/null >&2 || true
}

# judge_proof DATABASE: writes $work/proof.json, and keeps for the next choice what was proven.
judge_proof() {
  local database=$1 words
  if [ ! -s "$work/counted.json" ]; then
    words=$(cat "$work/proof.words")
    words=${words:-it failed and did not say why}
  elif ! jq -e '(.rows | type == "object") and (.faults | type == "array")' "$work/counted.json" >/dev/null; then
    words="the engine's counts have another shape"
  else
    words=$(jq -rn --slurpfile counted "$work/counted.json" --slurpfile rows "$work/rows.json" \
      '$counted[0] as $c | $rows[0] as $r
        | ([($c.rows + $r) | keys[] | select($c.rows[.] != $r[.]) | "table \(.) has \($c.rows[.] // "no") rows, the dump has \($r[.] // "no")"] + $c.faults)
        | .[:5] | join("; ")')
  fi
  if [ -z "$words" ]; then
    verdict true '' >"$work/proof.json"
    jq -c '{rows: .}' "$work/rows.json" >"$state/proofs/$database.json"
    say "$database  proven by loading it"
  else
    verdict false "$words" >"$work/proof.json"
    say "$database  NOT proven: $words"
  fi
}

# verdict OK WORDS: as manifests carry it.
verdict() {
  jq -cn --argjson ok "$1" --arg words "$2" --arg at "$(now_iso)" '{ok: $ok, at: $at} + if $ok then {} else {words: $words} end'
}
