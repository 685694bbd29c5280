# Configuration and admin account of a MariaDB server. Needs: CONFIGURATION, ADMIN, ADMIN_HOST, CERTIFICATE.
# Standard input: the SQL that makes the admin account; the password in it is a hash.
file=/etc/mysql/mariadb.conf.d/99-estate.cnf
STAMP=/etc/mysql/tls/started-with
sql=$(cat)
client() { mariadb --no-defaults --protocol=socket --batch --skip-column-names "$@"; }

wanted=$(printf '%s\n%s' "$CONFIGURATION" "$CERTIFICATE" | sha256sum)
if ! started_with "$wanted" || ! systemctl --quiet is-active mariadb; then
  printf '%s\n' "$CONFIGURATION" | put "$file" root:root 0644
  restart mariadb "$file"
  note_start "$wanted"
fi
systemctl --quiet enable mariadb

# What a fresh installation leaves open: anonymous users, the test database, admin accounts of a former web host.
client <<SQL | client
SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host), ';') FROM mysql.global_priv
WHERE User = '' OR (User = '$ADMIN' AND Host <> '$ADMIN_HOST');
SQL
client <<'SQL'
DROP DATABASE IF EXISTS test;
DELETE FROM mysql.db WHERE Db IN ('test', 'test\_%') AND User IN ('', 'PUBLIC');
FLUSH PRIVILEGES;
SQL
client <<<"$sql"
