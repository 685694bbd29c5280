#!/bin/sh
# Installs S3, KMS and IAM, or a newer version of them. Run on the host `cloud`; repeatable. What they hold is in memory:
# a newer version begins empty.
#   install-cloud.sh ADDRESS NAME PORT <FILES
# FILES: a JSON object, names to contents: the programs, and `operator` with the operator's access key and secret.
# Prints the certificate that clients verify the service by.
set -eu
address=$1 name=$2 port=$3
programs=/usr/local/lib/estate-cloud unit=/etc/systemd/system/estate-cloud.service directory=/var/lib/estate-cloud

id estate-cloud >/dev/null 2>&1 || useradd --system --home-dir "$directory" --shell /usr/sbin/nologin estate-cloud
install -d -o estate-cloud -g estate-cloud -m 0700 "$directory"
rm -rf "$programs.new"
install -d -o estate-cloud -g estate-cloud -m 0700 "$programs.new"
(
  umask 077
  cd "$programs.new"
  python3 -c 'import json, sys
for name, text in json.load(sys.stdin).items():
    open(name, "w").write(text)'
  chown estate-cloud: ./*
)
cat >"$unit.new" <<UNIT
[Unit]
Description=S3, KMS and IAM
After=network.target

[Service]
ExecStart=/usr/bin/python3 -B $programs/server.py $address $port $directory/cert.pem $directory/key.pem $programs/operator
User=estate-cloud
Restart=on-failure
NoNewPrivileges=yes
# Each object keeps a file open.
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT

if [ ! -e "$directory/cert.pem" ]; then
  # The key is made here and never leaves.
  (
    umask 077
    cd "$directory"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=$name" \
      -addext "subjectAltName=DNS:$name,IP:$address" -keyout key.pem -out cert.new 2>/dev/null
    chown estate-cloud: key.pem cert.new
    mv cert.new cert.pem
  )
fi

if diff -qr "$programs" "$programs.new" >/dev/null 2>&1 && cmp -s "$unit" "$unit.new"; then
  rm -r "$programs.new" "$unit.new"
  systemctl is-active --quiet estate-cloud || systemctl restart estate-cloud
else
  rm -rf "$programs"
  mv "$programs.new" "$programs"
  mv "$unit.new" "$unit"
  systemctl daemon-reload
  systemctl enable --quiet estate-cloud
  systemctl restart estate-cloud
fi
cat "$directory/cert.pem"
