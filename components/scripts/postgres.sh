# Configuration, pg_hba.conf, pg_ident.conf and admin role of a PostgreSQL server. Needs: CONFIGURATION, HBA, IDENT, LOCALE.
# Standard input: the SQL that makes the admin role; the password in it is a SCRAM verifier.
STAMP=/etc/postgresql/tls/started-with
sql=$(cat)

newest() { pg_lsclusters --no-header | sort -k1,1V | awk '$2 == "main" { line = $0 } END { print line }'; }
if [ -z "$(newest)" ]; then
  version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -1)
  pg_createcluster "$version" main --locale "$LOCALE" >&2
fi
read -r version cluster _ < <(newest)
unit=postgresql@$version-$cluster
directory=/etc/postgresql/$version/$cluster
file=$directory/conf.d/estate.conf
hba=$directory/pg_hba.conf
client() {
  local port
  port=$(newest | awk '{ print $3 }')
  runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h /var/run/postgresql -p "$port" -d postgres "$@"
}

systemctl --quiet enable "$unit"
systemctl --quiet is-active "$unit" || systemctl start "$unit"

# Before pg_hba.conf, whose lines name it.
ident=$directory/pg_ident.conf
if ! diff -q "$ident" - <<<"$IDENT" >/dev/null; then
  put "$ident" postgres:postgres 0640 <<<"$IDENT"
  faults=$(client -c "SELECT 'line ' || line_number || ': ' || error FROM pg_ident_file_mappings WHERE error IS NOT NULL")
  if [ -n "$faults" ]; then
    take_back "$ident"
    echo "the rendered pg_ident.conf has faults and was not applied: $faults" >&2
    exit 1
  fi
  client -c "SELECT pg_reload_conf()" >/dev/null
fi

# The server parses pg_hba.conf for us before it has to live with it: a reload would answer true and keep the old rules.
if ! diff -q "$hba" - <<<"$HBA" >/dev/null; then
  put "$hba" postgres:postgres 0640 <<<"$HBA"
  faults=$(client -c "SELECT 'line ' || line_number || ': ' || error FROM pg_hba_file_rules WHERE error IS NOT NULL")
  if [ -n "$faults" ]; then
    take_back "$hba"
    echo "the rendered pg_hba.conf has faults and was not applied: $faults" >&2
    exit 1
  fi
  client -c "SELECT pg_reload_conf()" >/dev/null
fi

wanted=$(printf '%s' "$CONFIGURATION" | sha256sum)
if ! started_with "$wanted"; then
  install -d -m 0755 -o postgres -g postgres "$directory/conf.d"
  printf '%s\n' "$CONFIGURATION" | put "$file" postgres:postgres 0640
  restart "$unit" "$file"
  note_start "$wanted"
fi
# A message quotes the statement, and so the verifier: of it only the number is shown.
client -v VERBOSITY=sqlstate <<<"$sql"
