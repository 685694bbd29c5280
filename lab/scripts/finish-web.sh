# Run inside the image: MariaDB as a web host has it, on localhost with TLS.
mkdir -p /etc/mysql/tls
cat >/etc/mysql/mariadb.conf.d/60-web-host.cnf <<'CONF'
[mariadbd]
bind-address = 127.0.0.1
port         = 3306
ssl_cert     = /etc/mysql/tls/server-cert.pem
ssl_key      = /etc/mysql/tls/server-key.pem
tls_version  = TLSv1.2,TLSv1.3
CONF

# With socket activation systemd listens instead, on every address, whatever bind-address says.
systemctl disable mariadb.socket mariadb-extra.socket

# The key is made on the host, at its first boot; the image carries none.
cat >/usr/local/sbin/make-mysql-certificate <<'SCRIPT'
#!/bin/sh
set -eu
umask 077
cd /etc/mysql/tls
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=plesk.lab.internal" \
  -addext "subjectAltName=DNS:plesk.lab.internal,DNS:localhost,IP:127.0.0.1" -keyout server-key.new -out server-cert.pem
chown mysql:mysql server-key.new
chmod 0400 server-key.new
chmod 0644 server-cert.pem
mv server-key.new server-key.pem
SCRIPT
chmod 755 /usr/local/sbin/make-mysql-certificate
chmod 755 /etc/mysql/tls
cat >/etc/systemd/system/mysql-certificate.service <<'UNIT'
[Unit]
Description=TLS key and certificate of MariaDB
Before=mariadb.service
ConditionPathExists=!/etc/mysql/tls/server-key.pem

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/make-mysql-certificate

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable mysql-certificate.service

# The way in for operators: a user that may forward to the declared servers, and do nothing else; what says so is written when the
# host is made. Its home is root's: it cannot change its own authorized_keys.
useradd --system --no-create-home --home-dir /var/lib/estate_tunnel --shell /usr/sbin/nologin --password '*' estate_tunnel
# While a host boots, /run/nologin keeps out all but root: the tunnel's user is to get in as soon as sshd answers.
ln -s /dev/null /etc/tmpfiles.d/systemd-nologin.conf
# Root may forward as everywhere, for operators who go on from here to another host's SSH server.
printf 'AllowTcpForwarding yes\nPasswordAuthentication no\n' >/etc/ssh/sshd_config.d/60-bastion.conf
: >/etc/apt/sources.list
