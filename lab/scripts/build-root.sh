#!/bin/sh
# Installs a Debian root. Runs in mount and PID namespaces of its own, so a killed build leaves no mount behind.
#   build-root.sh SUITE PACKAGE,PACKAGE... DEBIAN_MIRROR FINISH_SCRIPT WORK_DIRECTORY
# Leaves the root in WORK_DIRECTORY/root.
set -eu
suite=$1 packages=$2 mirror=$3 finish=$4 work=$5

# In memory first: dpkg syncs every file it writes, which takes longer than the installation itself.
mkdir -p "$work/memory" "$work/root"
mount -t tmpfs -o mode=0755 build "$work/memory"
root=$work/memory/root
debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror"

# What every new machine has of its own is not in the image.
rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
: >"$root/etc/resolv.conf"
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/lib/lab-mirror" "$root/etc/systemd/system"

# The kernel belongs to the machine below: no host loads modules into it. The apt timers would take the
# package lock some time after boot.
for unit in systemd-modules-load.service apt-daily.timer apt-daily-upgrade.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

chroot "$root" sh -eu <"$finish"
cp -a "$root/." "$work/root/"
