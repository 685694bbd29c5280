# Steps of the restore of a queue on its host, as root. SERVICE: its Redis user; NAME: its instance; REPLACED: the name that what it held is
# kept under. What lies below /var/lib/redis is the instances' user's: it is changed as that user, and root follows no link there. The
# agent's own functions load and count: a copy is loaded here as it was proven.
umask 077
export etc=/etc/estate-backup lib=/usr/local/lib/estate-backup state=/var/lib/estate-backup
[ -e "$lib/redis.sh" ] || { echo "there is no backup agent here. Run: pulumi up" >&2; exit 1; }
source "$lib/agent.sh"
exec 2> >(client_words - >&2)

readonly place=/var/lib/redis own=/var/lib/estate-restore
readonly live=$place/$NAME scratch=$place/${NAME}__restoring unit=redis-server@$NAME.service
# What a change of places is about, for whoever comes after it: the inode of the new files, and REPLACED. There only while one is at work,
# or after it was killed.
readonly journal=$own/$SERVICE.swapping
install -d -m 0700 "$own"

# Free bytes where data lies.
look() {
  as_instance test -d "$live/appendonlydir" || { tell "there is no queue in $live. Run: pulumi up"; return 1; }
  df -B1 --output=avail "$place" | tail -n 1 | tr -d ' '
}

# load: a copy from standard input becomes the files that an instance reads. Prints what they hold.
load() {
  local code=0
  # Of a restore whose operator is gone the load may go on here; it would lay its files among these.
  exec 6>"$own/$SERVICE.load"
  flock -w 300 6 || { tell "another restore is loading $NAME"; return 1; }
  drop_scratch
  as_instance mkdir -m 0700 "$scratch"
  work=$(mktemp -d "$own/work.XXXXXX")
  export work
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  within_limits "$SERVICE.restore" stage "$SERVICE" |
    as_instance tar -x --no-same-owner --no-same-permissions -C "$scratch" appendonlydir || code=$?
  if ((code != 0)); then
    drop_scratch
    tell "$(cat "$work/proof.words" 2>/dev/null || echo "there is no room for the copy")"
    return 1
  fi
  [ -z "$(as_instance find "$scratch" ! -type f ! -type d)" ] || { tell "the copy became something else than files"; return 1; }
  as_instance sync "$scratch/appendonlydir"
  cat "$work/counted.json"
}
drop_scratch() { as_instance rm -rf "$scratch"; }

inode_of() { as_instance stat -c %i "$1"; }
# Both at once, or neither.
exchange() {
  as_instance perl -e 'my %call = (x86_64 => 316, aarch64 => 276);
    syscall($call{$ARGV[0]} // die("exchange on this machine\n"), -100, $ARGV[1], -100, $ARGV[2], 2) == 0 or die "$!\n"' "$(uname -m)" "$1" "$2" ||
    { tell "the files could not change places"; return 1; }
}

# The new files take the place of the old, while the instance stands still: either are there at every moment. Prints for how many ms.
swap() {
  local since inode
  trap '' PIPE HUP INT TERM
  exec 7>"$own/$SERVICE.swap"
  flock 7
  # By itself: in an argument its failure would go unseen.
  inode=$(inode_of "$scratch/appendonlydir")
  printf '%s %s\n' "$inode" "$REPLACED" | whole "$journal"
  since=$(now_ms)
  systemctl stop "$unit"
  # Of before: nobody is to take it for a copy of what comes now.
  as_instance rm -f "$live/dump.rdb"
  exchange "$live/appendonlydir" "$scratch/appendonlydir" || { settle; return 1; }
  settle
  echo $(($(now_ms) - since))
}

# One that could not start with what it held has used up its starts.
start_instance() {
  systemctl reset-failed "$unit" 2>/dev/null || true
  systemctl start "$unit"
}
is_new() { [ "$(inode_of "$1/appendonlydir" 2>/dev/null)" = "$2" ]; }

# What the journal tells of goes to its end: forward where the files have changed places, back where they have not. Then the instance has
# what it had, and whether it starts with that is no matter of a restore: it may be why there is one.
settle() {
  local inode replaced code=0
  read -r inode replaced <"$journal"
  if ! is_new "$live" "$inode"; then
    start_instance || true
  else
    ! as_instance test -d "$scratch" || as_instance mv -T "$scratch" "$place/$replaced"
    start_instance || code=$?
  fi
  if ((code != 0)); then
    systemctl stop "$unit"
    exchange "$live/appendonlydir" "$place/$replaced/appendonlydir"
    start_instance || true
  fi
  # Only ever the new files: taken back just now, or by one that was killed then.
  if is_new "$place/$replaced" "$inode"; then as_instance rm -rf "$place/${replaced:?}"; fi
  rm -f "$journal"
  ((code == 0)) || { tell "$unit does not start with the restored queue; what it held before is back"; return 1; }
}

# After one that was killed. Prints a line where there was something to do.
recover() {
  local now
  exec 7>"$own/$SERVICE.swap"
  flock -w 300 7 || { tell "another restore is changing places with $NAME"; return 1; }
  [ -e "$journal" ] || return 0
  settle
  if systemctl -q is-active "$unit"; then now=runs; else now="does not start"; fi
  echo "an earlier restore was cut off: its change of places is through, and $unit $now"
}
# Names that earlier restores have kept.
replaced_names() { as_instance find "$place" -maxdepth 1 -type d -name "${NAME}__replaced_*" -printf '%f\n' | sort; }
outcome() { recover >/dev/null; replaced_names; }
drop_replaced() {
  local name
  recover >/dev/null
  for name in $(replaced_names); do
    as_instance rm -rf "${place:?}/$name"
    echo "$name"
  done
}
