/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/**
 * What stands in DIRECTORY and what the server shows. One fact a line: its name, and its content in base64.
 * Needs: DIRECTORY, ENGINE, SHOWN (arguments of openssl s_client, a line for each instance).
 */
export const INSPECT = String.raw`
fact() { printf '%s %s\n' "$1" "$(base64 -w0)"; }

cat "$DIRECTORY/ca.crt" 2>/dev/null | fact authority || true
openssl pkey -in "$DIRECTORY/ca.key" -pubout 2>/dev/null | fact authorityKey || true
cat "$DIRECTORY/server.crt" 2>/dev/null | fact certificate || true
openssl pkey -in "$DIRECTORY/server.key" -pubout 2>/dev/null | fact certificateKey || true
stat -c '%a %U' "$DIRECTORY/server.key" 2>/dev/null | fact keyMode || true
# A file that the server was not told to read again is as good as none.
read=$(cat "$DIRECTORY/clients.read" 2>/dev/null || true)
if [ -n "$read" ] && [ "$(cat "$DIRECTORY/clients.crt" 2>/dev/null)" = "$read" ]; then
  fact clientAuthorities <"$DIRECTORY/clients.crt"
fi
# A fresh MariaDB makes itself a certificate: what it shows is ours to judge once it reads our files.
if [ "$ENGINE" = mariadb ]; then
  reads=$(mariadb --no-defaults --skip-ssl --protocol=socket -BNe "SELECT @@ssl_cert" 2>/dev/null || true)
  [ "$reads" = "$DIRECTORY/server.crt" ] || SHOWN=
fi
while read -r arguments; do
  [ -n "$arguments" ] || continue
  # shellcheck disable=SC2086
  { timeout 5 openssl s_client $arguments </dev/null 2>/dev/null | openssl x509 2>/dev/null; } | fact shown || true
done <<<"$SHOWN"
`;

/**
 * An authority of this host alone, which clients pin, and the server's certificate signed by it. Both private keys are
 * made here and never leave: the authority's is root's, so that not even the engine's own user could sign another name.
 * Needs: DIRECTORY, OWNER (user and group of the engine), NAME, SUBJECT_ALTERNATIVE_NAME, DAYS, AUTHORITY_DAYS,
 * MAKE_AUTHORITY (yes or no). Each file is renamed into place: a server that starts meanwhile reads a whole one.
 */
export const MAKE = String.raw`
install -d -m 0750 -o root -g "$OWNER" "$DIRECTORY"
cd "$DIRECTORY"
umask 077
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

if [ "$MAKE_AUTHORITY" = yes ]; then
  key ca.key.new
  openssl req -x509 -new -key ca.key.new -sha256 -days "$AUTHORITY_DAYS" -subj "/CN=authority of $(printf %.50s "$NAME")" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
    -out ca.crt.new 2>/dev/null
  chmod 0644 ca.crt.new
  mv ca.key.new ca.key
  mv ca.crt.new ca.crt
fi

key server.key.new
openssl req -new -key server.key.new -subj "/CN=$(printf %.64s "$NAME")" -out server.csr.new 2>/dev/null
printf '%s\n' "subjectAltName=$SUBJECT_ALTERNATIVE_NAME" "basicConstraints=critical,CA:FALSE" \
  "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth" >server.ext.new
openssl x509 -req -in server.csr.new -CA ca.crt -CAkey ca.key -sha256 -days "$DAYS" \
  -set_serial "0x$(openssl rand -hex 16 | sed 's/^./1/')" -extfile server.ext.new -out server.crt.new 2>/dev/null
# With the authority behind it: clients that verify nobody by default tell such a chain from a broken one.
cat ca.crt >>server.crt.new
rm -f server.csr.new server.ext.new
chown "$OWNER:$OWNER" server.key.new server.crt.new
chmod 0600 server.key.new
chmod 0644 server.crt.new
mv server.key.new server.key
mv server.crt.new server.crt
`;

/**
 * Whose certificates the server is to take from clients. Prints `reads` where it is at work with this file; one that is not reads
 * it when it starts. Needs: ENGINE, PORT, DIRECTORY, OWNER (group of the engine), CLIENT_AUTHORITIES.
 */
export const TRUST = `
install -d -m 0750 -o root -g "$OWNER" "$DIRECTORY"
printf '%s' "$CLIENT_AUTHORITIES" | install -m 0644 /dev/stdin "$DIRECTORY/clients.crt.new"
mv "$DIRECTORY/clients.crt.new" "$DIRECTORY/clients.crt"
case $ENGINE in
  postgres)
    reads=$(runuser -u postgres -- psql -X -q -A -t -h /var/run/postgresql -p "$PORT" -d postgres -c "SHOW ssl_ca_file" 2>/dev/null || true)
    ;;
  mariadb) reads=$(mariadb --no-defaults --skip-ssl --protocol=socket -BNe "SELECT @@ssl_ca" 2>/dev/null || true) ;;
esac
[ "$reads" != "$DIRECTORY/clients.crt" ] || echo reads
`;

/** The server has read them. Needs: DIRECTORY. */
export const TRUSTED = `
cp "$DIRECTORY/clients.crt" "$DIRECTORY/clients.read"
`;

/**
 * The running server takes the certificate that is in place now; its process and its sessions stay.
 * Needs: ENGINE, PORT, ENDPOINT, DIRECTORY, NAME; for Redis ADMIN, ADMIN_PASSWORD, INSTANCES (name and port, a line each).
 */
export const RELOAD = String.raw`
case $ENGINE in
  postgres)
    client() { runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$PORT" -d postgres -c "$1"; }
    loaded=$(client "SELECT pg_conf_load_time()")
    client "SELECT pg_reload_conf()" >/dev/null
    # A signal, which the server answers in its own time.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ "$(client "SELECT pg_conf_load_time()")" = "$loaded" ] || break
      sleep 0.2
    done
    ;;
  mariadb)
    mariadb --no-defaults --skip-ssl --protocol=socket --batch -e "FLUSH SSL"
    ;;
  redis)
    # The server may still show a certificate of a former authority: it is reached over the loopback of its own host.
    while read -r name port; do
      set -- --tls --insecure -h "$ENDPOINT" -p "$port"
      # One that asks for certificates has a socket, for its host holds none.
      socket=/var/lib/redis/$name/admin.sock
      if [ -S "$socket" ] && [ ! -L "$socket" ]; then set -- -s "$socket"; fi
      # By standard input: arguments and environment of a program can be looked at. The last line answers the last command.
      answer=$(printf '%s\n' "AUTH $ADMIN $ADMIN_PASSWORD" \
        "CONFIG SET tls-cert-file $DIRECTORY/server.crt tls-key-file $DIRECTORY/server.key" |
        redis-cli "$@" 2>&1 | sed '/^$/d' | tail -n 1 || true)
      case $answer in
        # One that stands still reads the files when it starts.
        *OK* | *"Connection refused"*) ;;
        # A password of another life of this estate: the instance gets the new one, with a restart of its own.
        *WRONGPASS* | *NOAUTH*) systemctl restart "redis-server@$name" ;;
        *) echo "redis-server@$name does not take the new certificate: $answer" >&2; exit 1 ;;
      esac
    done <<<"$INSTANCES"
    ;;
esac
`;
