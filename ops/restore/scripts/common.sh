# Steps of a restore on a database host, as root. LIVE: the database; SCRATCH: what its backup is loaded into; REPLACED: the
# name that what it held is kept under. Names have been checked: lower-case letters, digits and underscores.
umask 077
cd /
readonly state=/var/lib/estate-restore
install -d -m 0700 "$state"
export LC_ALL=C.UTF-8
# A step that has begun to change the live database ends, whoever stops listening. `outcome` waits for it.
to_the_end() {
  trap '' PIPE HUP INT TERM
  exec 7>"$state/$LIVE.swap"
  flock 7
}
outcome() {
  recover >/dev/null
  look
}

# What a change of places is about, for whoever comes after it: its phase, REPLACED and what else the engine needs. There only while one is
# at work, or after it was killed, or its server.
readonly journal="$state/$LIVE.swapping"
note_swap() {
  printf '%s\n' "$*" >"$journal.part"
  sync "$journal.part"
  mv "$journal.part" "$journal"
}
# Puts right what a change of places left that was killed: live is what it was, or what it was to become, and open. Prints a line where
# there was something to do. Waits for one that is at work.
recover() {
  exec 7>"$state/$LIVE.swap"
  flock -w 300 7 || { tell "another restore is changing places with $LIVE"; return 1; }
  if [ -e "$journal" ]; then settle; fi
  exec 7>&-
}
now_ms() { date +%s%3N; }
free_bytes() { df -B1 --output=avail "$1" | tail -n 1 | tr -d ' '; }

# A server beside the live one, in namespaces of its own: what was started in there ends with it. point: its directory, which is root's;
# own: where root alone writes. point_apart UNSHARE-OPTION... -- PROGRAM...: in the background, with what it says in $own/server.log. The
# live servers are out of its sight. The first process in there stays root's: one that changes its user does not end with unshare.
point_apart() {
  # shellcheck disable=SC2016
  unshare --net --mount --ipc --pid --fork --kill-child --mount-proc -- sh -euc '
    for place in /run/mysqld /run/postgresql /var/run/mysqld /var/run/postgresql; do
      [ ! -d "$place" ] || mount -t tmpfs -o ro,size=4k,nosuid,nodev,noexec none "$place"
    done
    setpriv --reuid estate-restore --regid estate-restore --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@" &
    wait "$!"' point env -i LC_ALL=C.UTF-8 TZ=UTC HOME=/nonexistent "$@" >"$own/server.log" 2>&1 </dev/null 4>&- 5>&- 6>&- 7>&- &
  echo "$!" >"$own/server"
}
# Its number may be another's by now.
point_lives() {
  local pid
  [ -e "$own/server" ] && pid=$(cat "$own/server") && [[ $pid =~ ^[0-9]+$ ]] && grep -qaF "$point/data" "/proc/$pid/cmdline" 2>/dev/null
}
point_stop() {
  local pid first=
  if ! point_lives; then return; fi
  pid=$(cat "$own/server")
  # The end of the first process there is that of all the others, and unshare waits for them.
  read -r first _ <"/proc/$pid/task/$pid/children" || true
  [[ ! $first =~ ^[0-9]+$ ]] || kill -9 "$first" 2>/dev/null || true
  for _ in $(seq 100); do
    if ! point_lives; then return; fi
    sleep 0.1
  done
  kill -9 "$pid"
}
