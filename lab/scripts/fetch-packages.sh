#!/bin/sh
# Downloads packages with all they need beyond a blank host, and makes a flat repository of them.
# Runs in mount and PID namespaces of its own.
#   fetch-packages.sh BLANK_ROOT DEBIAN_MIRROR SUITE WORK_DIRECTORY PACKAGE...
# Leaves the repository in WORK_DIRECTORY/root.
set -eu
base=$1 mirror=$2 suite=$3 work=$4
shift 4

mkdir -p "$work/memory" "$work/root"
mount -t tmpfs -o mode=0755 build "$work/memory"
cd "$work/memory"
mkdir upper work root
mount -t overlay -o "lowerdir=$base,upperdir=upper,workdir=work" overlay root
mkdir -p root/archives/partial
mount --bind "$work/root" root/archives
mkdir -p root/archives/partial
mount -t proc proc root/proc
cp /etc/resolv.conf root/etc/resolv.conf
rm -f root/etc/apt/sources.list root/etc/apt/sources.list.d/*
echo "deb $mirror $suite main" >root/etc/apt/sources.list
printf 'Acquire::Languages "none";\nAcquire::Retries "3";\nAPT::Sandbox::User "root";\n' >root/etc/apt/apt.conf.d/90build

chroot root apt-get -q update
chroot root apt-get -q -y --download-only -o Dir::Cache::archives=/archives install "$@"
rm -rf "$work/root/partial" "$work/root/lock"

# The index: the archive's own records (with its checksums), pointing at the files here.
cd "$work/root"
for deb in *.deb; do
  name=${deb%%_*} rest=${deb#*_}
  echo "$name=$(echo "${rest%_*}" | sed 's/%3a/:/')"
done >"$work/memory/names"
chroot "$work/memory/root" xargs apt-cache show --no-all-versions <"$work/memory/names" |
  awk -v dir="$work/root" '
    /^Package: / { package = $2 } /^Version: / { version = $2 } /^Architecture: / { architecture = $2 }
    /^Filename: / {
      parts = split($2, path, "/"); file = path[parts]
      cached = version; sub(/:/, "%3a", cached); cached = package "_" cached "_" architecture ".deb"
      if (cached != file) system("mv \"" dir "/" cached "\" \"" dir "/" file "\"")
      print "Filename: ./" file; next
    }
    { print }' >Packages
