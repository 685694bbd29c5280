#!/bin/sh
# Installs the service that stands for GitHub's API, or a newer one. Run on the host `cloud`; repeatable.
#   install-github-api.sh ADDRESS NAME PORT CONTROL_PORT <PROGRAM
# Prints the certificate that clients verify it by.
set -eu
address=$1 name=$2 port=$3 control=$4
program=/usr/local/lib/github-api.js unit=/etc/systemd/system/github-api.service directory=/var/lib/github-api

cat >"$program.new"
cat >"$unit.new" <<UNIT
[Unit]
Description=GitHub's API, as far as the estate uses it
After=network.target

[Service]
ExecStart=/usr/bin/node $program $address $port $control $directory
User=github-api
StateDirectory=github-api
StateDirectoryMode=0700
Restart=on-failure
NoNewPrivileges=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
UNIT

id github-api >/dev/null 2>&1 || useradd --system --home-dir "$directory" --shell /usr/sbin/nologin github-api
if [ ! -e "$directory/cert.pem" ]; then
  # The key is made here and never leaves.
  install -d -o github-api -g github-api -m 0700 "$directory"
  (
    umask 077
    cd "$directory"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=$name" \
      -addext "subjectAltName=DNS:$name,IP:$address" -keyout key.pem -out cert.new 2>/dev/null
    chown github-api:github-api key.pem cert.new
    mv cert.new cert.pem
  )
fi

if cmp -s "$program" "$program.new" && cmp -s "$unit" "$unit.new"; then
  rm "$program.new" "$unit.new"
  systemctl is-active --quiet github-api || systemctl restart github-api
else
  mv "$program.new" "$program"
  mv "$unit.new" "$unit"
  systemctl daemon-reload
  systemctl enable --quiet github-api
  systemctl restart github-api
fi
cat "$directory/cert.pem"
