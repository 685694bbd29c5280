#!/bin/sh
# Runs a command in a root, as if that were the machine: its own mounts and processes; network and kernel are the machine's,
# and CGROUP is the top of all groups that it sees. Runs as PID 1 of new mount and PID namespaces, so that the end of it is the end of all that was started in it.
#   enter-pristine.sh ROOT CGROUP DIRECTORY COMMAND...
set -eu
root=$1 group=$2 directory=$3

# The cgroup namespace must be made by a process that is in the group already.
if [ "${ENTERED:-}" != yes ]; then
  echo 0 >"$group/cgroup.procs"
  ENTERED=yes exec unshare --cgroup -- sh "$0" "$@"
fi
shift 3

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount --rbind /dev dev
mkdir -p .old-root
pivot_root . .old-root
umount -l /.old-root
rmdir /.old-root
cd "$directory"
# Not this shell but the command is waited for; orphans that it leaves are its own, and end with this one.
"$@" </dev/null &
wait $!
