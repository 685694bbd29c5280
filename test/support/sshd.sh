#!/bin/sh
# An OpenSSH server in a Debian root of its own, which needs none on this machine. Runs in a mount namespace of its own: the root is
# covered by memory, so nothing is written to the shared one, and what is mounted here goes with the last process.
#   sshd.sh ROOT DIRECTORY USER
# DIRECTORY holds `config`, `root` (empty) and `machine-id`; it is inside at the path that it has outside.
set -eu
lower=$1 directory=$2 user=$3
memory=$directory/root
mount -t tmpfs -o mode=0755 sshd "$memory"
mkdir "$memory/upper" "$memory/work" "$memory/root"
root=$memory/root
mount -t overlay -o "lowerdir=$lower,upperdir=$memory/upper,workdir=$memory/work" overlay "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root$directory" "$root/run/sshd" "$root/run/lock" "$root/root"
mount --bind "$directory" "$root$directory"
# What the package's scripts and the first boot would make.
echo 'sshd:x:980:65534::/run/sshd:/usr/sbin/nologin' >>"$root/etc/passwd"
# A user without rights of its own, who logs in with the same key.
echo 'estate_tunnel:x:981:65534::/nonexistent:/bin/sh' >>"$root/etc/passwd"
cp "$directory/machine-id" "$root/etc/machine-id"
grep -q "^$user:" "$root/etc/passwd" || { echo "there is no user $user in the root" >&2; exit 1; }
exec chroot "$root" /usr/sbin/sshd -D -e -f "$directory/config"
