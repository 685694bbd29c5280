#!/bin/sh
# The first process of a host: mounts its root in its own mount namespace, then becomes its systemd. Nothing it
# mounts is seen outside, so a dead host leaves no mount.
# Runs as PID 1 of new mount, UTS, IPC and PID namespaces, inside the host's network namespace.
#   boot.sh NAME LOWER UPPER WORK ROOT MIRROR CGROUP
set -eu
name=$1 lower=$2 upper=$3 work=$4 root=$5 mirror=$6 cgroup=$7

# The cgroup namespace must be made by a process that is in the host's cgroup already.
if [ "${8:-}" != entered ]; then
  echo 0 >"$cgroup/cgroup.procs"
  exec unshare --cgroup -- sh "$0" "$name" "$lower" "$upper" "$work" "$root" "$mirror" "$cgroup" entered
fi

mount --make-rprivate /
mount -t overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" overlay "$root"
cd "$root"
mkdir -p var/lib/lab-mirror
mount --bind "$mirror" var/lib/lab-mirror
mount -o remount,bind,ro var/lib/lab-mirror

mount -t proc proc proc
# Kernel settings belong to the machine below; those of the network are the host's own.
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
[ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger

mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -o remount,bind,ro sys

mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

hostname "$name"
mkdir -p .old-root
pivot_root . .old-root
umount -l /.old-root
rmdir /.old-root
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
