# The server's own private key and self-signed certificate, made here and only here: the key never leaves the host.
# Needs: DIRECTORY, OWNER (user and group of the engine), NAME, SUBJECT_ALTERNATIVE_NAME, CHECK (-checkhost or -checkip).
# Prints the certificate and nothing else. Made anew when it names another host or ends within 60 days.
key=$DIRECTORY/server.key
certificate=$DIRECTORY/server.crt

is_good() {
  [ -s "$key" ] && [ -s "$certificate" ] || return 1
  openssl x509 -in "$certificate" -noout -checkend $((60 * 86400)) >/dev/null || return 1
  openssl x509 -in "$certificate" -noout "$CHECK" "$NAME" | grep -q "does match" || return 1
  [ "$(openssl x509 -in "$certificate" -noout -pubkey)" = "$(openssl pkey -in "$key" -pubout)" ]
}

install -d -m 0750 -o root -g "$OWNER" "$DIRECTORY"
if ! is_good; then
  umask 077
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 730 \
    -subj "/CN=${NAME:0:64}" -addext "subjectAltName=$SUBJECT_ALTERNATIVE_NAME" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=serverAuth" \
    -keyout "$key.new" -out "$certificate.new" 2>/dev/null
  chown "$OWNER:$OWNER" "$key.new" "$certificate.new"
  chmod 0600 "$key.new"
  chmod 0644 "$certificate.new"
  mv "$key.new" "$key"
  mv "$certificate.new" "$certificate"
fi
cat "$certificate"
