#!/bin/sh
# Tries what the lab needs of the kernel, in throw-away namespaces, and prints one line for each thing that fails.
# Runs in mount, network, UTS, IPC, PID and cgroup namespaces of its own.
mount -t tmpfs probe /mnt 2>/dev/null || { echo "tmpfs mounts"; exit 0; }
mkdir /mnt/lower /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root 2>/dev/null ||
  echo "overlay file systems (CONFIG_OVERLAY_FS)"
ip link add name probe0 type bridge 2>/dev/null || echo "network bridges (CONFIG_BRIDGE)"
ip link add name probe1 type veth peer name probe2 2>/dev/null || echo "virtual cables (CONFIG_VETH)"
nft add table inet probe 2>/dev/null &&
  nft add chain inet probe input '{ type filter hook input priority 0; }' 2>/dev/null &&
  nft add rule inet probe input ct state established accept 2>/dev/null ||
  echo "nftables with connection tracking (CONFIG_NF_TABLES, CONFIG_NFT_CT)"
mount -t cgroup2 probe /mnt/work 2>/dev/null || echo "the cgroup2 file system"
