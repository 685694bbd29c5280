# The admin account of a MariaDB server, and nobody else of a fresh installation. Needs: ADMIN, ADMIN_HOST.
# Standard input: the SQL that makes the admin account; the password in it is a hash.
# Pasted, each checked or constant: ADMIN ADMIN_HOST
sql=$(cat)
# The socket is the host's own: no certificate has to vouch for it.
client() { mariadb --no-defaults --skip-ssl --protocol=socket --batch --skip-column-names "$@"; }

systemctl --quiet enable mariadb
systemctl --quiet is-active mariadb || systemctl start mariadb

# What a fresh installation leaves open: anonymous users, the test database, admin accounts of a former web host.
client <<SQL
DELIMITER //
FOR a IN (SELECT User AS u, Host AS h FROM mysql.global_priv WHERE User = '' OR (User = '$ADMIN' AND Host <> '$ADMIN_HOST')) DO
  EXECUTE IMMEDIATE CONCAT('DROP USER ', QUOTE(a.u), '@', QUOTE(a.h));
END FOR//
DELIMITER ;
SQL
client <<'SQL'
DROP DATABASE IF EXISTS test;
DELETE FROM mysql.db WHERE Db IN ('test', 'test\_%') AND User IN ('', 'PUBLIC');
FLUSH PRIVILEGES;
SQL
# A client's message quotes the statement, and so the hash: of it only the number is shown.
if ! said=$(client <<<"$sql" 2>&1); then
  echo "mariadb refuses the SQL of the admin account: $(grep -oE 'ERROR [0-9]+ \([0-9A-Z]+\)( at line [0-9]+)?' <<<"$said" | head -n 1)" >&2
  exit 1
fi
