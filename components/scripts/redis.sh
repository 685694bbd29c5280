# Configuration and admin user of a Redis server. Needs: CONFIGURATION, ADMIN, HOST, LISTEN, PORT.
# Standard input: the ACL rules of default and the admin, one a line; the password in them is a hash.
file=/etc/redis/redis.conf
users=/etc/redis/users.acl
STAMP=/etc/redis/tls/started-with
rules=$(cat)

wanted=$(printf '%s\n%s' "$CONFIGURATION" "$rules" | sha256sum)
if ! started_with "$wanted" || ! systemctl --quiet is-active redis-server || [ ! -s "$users" ]; then
  # Every other user is a service's and is kept: the server saves them to this file itself.
  { cat "$users" 2>/dev/null || true; } | { grep -vE "^user (default|$ADMIN) " || true; } | cat - <(echo "$rules") |
    put "$users" redis:redis 0640
  printf '%s\n' "$CONFIGURATION" | put "$file" redis:redis 0640
  restart redis-server "$file" "$users"
  note_start "$wanted"
fi
systemctl --quiet enable redis-server

# It answers over TLS and lets nobody in without a name.
answer=$(redis-cli --tls --cacert /etc/redis/tls/ca.crt --sni "$HOST" -h "$LISTEN" -p "$PORT" PING 2>&1 || true)
case $answer in
  *NOAUTH*) ;;
  *) echo "redis-server does not answer on port $PORT as it should (NOAUTH): $answer" >&2; exit 1 ;;
esac
