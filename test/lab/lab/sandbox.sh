#!/bin/sh
# A machine in the machine: runs a script where a second lab finds no trace of the first. Own network, processes,
# /run, cgroup hierarchy; the cache is the real one, with changes thrown away. All of it ends with the script.
#   sandbox.sh CACHE_DIRECTORY SCRIPT
set -eu
if [ "${3:-}" != inside ]; then
  hierarchy=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
  group=$hierarchy/sandbox-$$
  mkdir "$group"
  trap 'echo 1 >"$group/cgroup.kill"; for round in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; [ -e "$group" ] || break; sleep 0.2; done' EXIT
  sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$group" \
    unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child --mount-proc sh "$0" "$1" "$2" inside "$hierarchy"
  exit
fi
for taken in /run/netns /run/estate-lab; do
  umount --recursive --lazy "$taken" 2>/dev/null || true
done
mount -t tmpfs sandbox /run
# Mounted anew, the hierarchy begins at the group of the sandbox.
umount --lazy "$4"
mount -t cgroup2 cgroup2 "$4"
mkdir /run/cache-upper /run/cache-work
mount -t overlay -o "lowerdir=$1,upperdir=/run/cache-upper,workdir=/run/cache-work" overlay "$1"
ip link set dev lo up
set +eu
eval "$2"
