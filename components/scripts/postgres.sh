# The cluster of a PostgreSQL server and its admin role. Needs: LOCALE.
# Standard input: the SQL that makes the admin role; the password in it is a SCRAM verifier.
sql=$(cat)

newest() { pg_lsclusters --no-header | sort -k1,1V | awk '$2 == "main" { line = $0 } END { print line }'; }
if [ -z "$(newest)" ]; then
  version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -1)
  pg_createcluster "$version" main --locale "$LOCALE" >&2
fi
read -r version cluster port _ < <(newest)
unit=postgresql@$version-$cluster
systemctl --quiet enable "$unit"
systemctl --quiet is-active "$unit" || systemctl start "$unit"

# A message quotes the statement, and so the verifier: of it only the number is shown.
runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -h /var/run/postgresql -p "$port" -d postgres <<<"$sql"
