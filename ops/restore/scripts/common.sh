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
  exec 7>"$state/$LIVE.swap"
  flock -w 300 7
  look
}
now_ms() { date +%s%3N; }
free_bytes() { df -B1 --output=avail "$1" | tail -n 1 | tr -d ' '; }
