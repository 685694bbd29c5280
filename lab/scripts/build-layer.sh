#!/bin/sh
# Installs packages from the lab's own mirror on top of a blank root. Needs no network.
# Runs in mount and PID namespaces of its own.
#   build-layer.sh BLANK_ROOT PACKAGE_MIRROR FINISH_SCRIPT WORK_DIRECTORY PACKAGE...
# Leaves the layer (an overlay's upper directory) in WORK_DIRECTORY/root.
set -eu
base=$1 mirror=$2 finish=$3 work=$4
shift 4

mkdir -p "$work/memory" "$work/root"
mount -t tmpfs -o mode=0755 build "$work/memory"
cd "$work/memory"
mkdir upper work root
mount -t overlay -o "lowerdir=$base,upperdir=upper,workdir=work" overlay root
mkdir -p root/var/lib/lab-mirror
mount --bind "$mirror" root/var/lib/lab-mirror
mount -t proc proc root/proc
mount -t devtmpfs dev root/dev 2>/dev/null || mount --rbind /dev root/dev
echo 'deb [trusted=yes] file:/var/lib/lab-mirror ./' >root/etc/apt/sources.list
# A build is no place to start a service.
printf '#!/bin/sh\nexit 101\n' >root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d

export DEBIAN_FRONTEND=noninteractive
chroot root apt-get -q update
chroot root apt-get -q -y --no-install-recommends install "$@"
chroot root sh -eu <"$finish"

rm root/usr/sbin/policy-rc.d
rm -rf root/var/lib/apt/lists/* root/var/cache/apt/*.bin
mkdir -p root/var/lib/apt/lists/partial
umount -l root/dev root/proc root/var/lib/lab-mirror root
cp -a upper/. "$work/root/"
