# Run on a host: closes it, but for the doors on standard input, one a line: PORT ADDRESS. Repeatable.
set -eu
if ! command -v ufw >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq -y --no-install-recommends install ufw </dev/null >/dev/null
fi
known=$(ufw show added)
while read -r port from; do
  case $known in
    *"allow from $from to any port $port proto tcp"*) ;;
    *) ufw allow proto tcp from "$from" to any port "$port" >/dev/null ;;
  esac
done
if ! ufw status | grep -qx 'Status: active'; then
  ufw default deny incoming >/dev/null
  ufw --force enable >/dev/null
fi
