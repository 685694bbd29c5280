# Run inside the image: S3 and KMS as a service, on the host's own address only.
cat >/etc/systemd/system/moto.service <<'UNIT'
[Unit]
Description=S3 and KMS
After=network.target

[Service]
Environment=MOTO_S3_CUSTOM_ENDPOINTS=http://cloud.lab.internal:5000
ExecStart=/usr/bin/moto_server -H 10.77.0.15 -p 5000
DynamicUser=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable moto.service
