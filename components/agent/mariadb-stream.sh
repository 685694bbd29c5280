# A dump of MariaDB that needs no power to load. First its code, a line of JSON for each view, routine, trigger and event behind
# `-- code `; then tables and rows as mariadb-dump writes them. Sourced by the agent and by restores.

# as USER COMMAND...: with the rights of that user of the system alone, and nothing of root's environment.
as() {
  local user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- \
    env -i PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 "$@"
}

# What a session of ours does not leave to the server.
readonly pinned="SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = 60, max_statement_time = 0, sql_quote_show_create = 1"

# Root says constant sentences alone; --sandbox: no command of the client can touch the host. Nor can the server ask for a file of it: that of
# a physical copy may be anybody's.
root_sql() {
  mariadb --no-defaults --local-infile=0 --skip-ssl --protocol=socket --socket="$SOCKET" --sandbox --batch --raw --skip-column-names \
    --default-character-set=utf8mb4 --init-command="$pinned" "$@"
}
SOCKET=${SOCKET:-/run/mysqld/mysqld.sock}

# A name of a database, or of a user, as we declare them; nothing else ever gets into a sentence of root's.
declared_name() { [[ $1 =~ ^[a-z][a-z0-9_]{0,79}$ ]] || { tell "\"$1\" is no name that the estate declares"; return 1; }; }
# The same as a pattern of GRANT.
pattern_of() { printf '%s' "${1//_/\\_}"; }

# The account that a dump is made by: it reads this one database. Anew each time, whatever somebody gave it since.
reader_account() {
  declared_name "$1"
  root_sql <<SQL
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER 'estate-backup'@localhost IDENTIFIED VIA unix_socket;
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON \`$(pattern_of "$1")\`.* TO 'estate-backup'@localhost;
GRANT SELECT ON mysql.proc TO 'estate-backup'@localhost;
SQL
}

reader() {
  as estate-backup mariadb --no-defaults --skip-ssl --protocol=socket --socket="$SOCKET" --sandbox --batch --skip-column-names \
    --default-character-set=utf8mb4 --init-command="$pinned, tx_read_only = 1" "$@"
}

# dump_stream DATABASE ROWS CODE [STRUCTURE]: the dump to standard output. Rows of each table as JSON to the file ROWS, what it says of
# code to CODE, what it says of tables to STRUCTURE.
dump_stream() (
  set -euo pipefail
  local database=$1 rows=$2 code=$3 structure=${4:-/dev/null} options=()
  reader_account "$database"
  readable "$database"
  code_objects reader "$database" >"$code"
  sed 's/^/-- code /' "$code"
  [ "$(reader "$database" <<<"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SYSTEM VERSIONED'")" = 0 ] ||
    options+=(--dump-history)
  tables_of reader estate-backup "${options[@]}" "$database" | plain_tables "$database" "$rows" "$structure"
)

# tables_of CLIENT USER [OPTION...] DATABASE: as mariadb-dump writes them. Without LOCK TABLES, under which a default that takes from a
# sequence cannot be opened. CLIENT is a client of USER's.
tables_of() (
  client=$1 user=$2
  shift 2
  # Views in a file of options: there may be thousands, and their names may hold anything.
  ignored=$(mktemp /run/estate-ignored.XXXXXX)
  trap 'rm -f "$ignored"' EXIT
  chgrp "$user" "$ignored"
  chmod 0640 "$ignored"
  { echo '[mariadb-dump]'; "$client" --raw "${!#}" <<<"$VIEW_OPTIONS"; } >"$ignored"
  as "$user" mariadb-dump --defaults-file="$ignored" --skip-ssl --protocol=socket --socket="$SOCKET" --single-transaction --quick \
    --skip-triggers --skip-add-locks --hex-blob --skip-dump-date --comments --max-allowed-packet=1G \
    --default-character-set=utf8mb4 "$@"
)

# MariaDB before 11 writes a foreign key with a ` in one of its names so that nobody can read it back. Nobody can write down a history that
# is told by transactions.
readable() {
  local found
  found=$(reader "$1" <<<"SELECT table_name FROM information_schema.columns WHERE table_schema = DATABASE()
    AND generation_expression = 'ROW START' AND data_type = 'bigint' LIMIT 1")
  [ -z "$found" ] || { tell "table ${found@Q} keeps its history by transactions, which no dump can hold: keep it by time"; return 1; }
  found=$(reader "$1" <<<"SELECT table_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE()
    AND referenced_table_name IS NOT NULL AND INSTR(CONCAT_WS(',', constraint_name, column_name, referenced_table_name, referenced_column_name), '\`') > 0
    AND VERSION() < '11' LIMIT 1")
  [ -z "$found" ] || { tell "table ${found@Q} has a foreign key with a \` in a name, which this server cannot write down: rename it"; return 1; }
}

# shellcheck disable=SC2016
readonly VIEW_OPTIONS='SELECT CONCAT("ignore-table=\"", REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
  CONCAT(table_schema, ".", table_name), "\\", "\\\\"), "\"", "\\\""), "\n", "\\n"), "\r", "\\r"), "\t", "\\t"), "\"")
  FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = "VIEW"'

# plain_tables DATABASE ROWS STRUCTURE: mariadb-dump's text from standard input to standard output. Where a table names its own database
# (a default that takes from a sequence) it names none afterwards, so that it means what lies beside it wherever it is loaded. Counts
# the rows of each table, so that the number is that of the dump's own snapshot, and writes down what makes each table and sequence,
# but for the next number of a table. Both are there before the text ends. A row is a line of its own; all other statements are
# read mark by mark, for a name or a comment may look like anything. In Perl, which every Debian has: awk reads a long line in
# quadratic time.
plain_tables() {
  local counts="$2.part"
  perl -we "$PLAIN_TABLES" -- "$1" "$counts" "$3"
  jq -c . "$counts" >"$2"
  rm -f "$counts"
}
# shellcheck disable=SC2016
readonly PLAIN_TABLES='
use strict;
my ($own, $counts, $structure) = @ARGV;
my $limit = 1073741823;
my $name = qr/`([^`]*+(?:``[^`]*+)*+)`(?!`)/;
my $string = qr/\x27[^\x27\\]*+(?:(?:\\.|\x27\x27)[^\x27\\]*+)*+\x27(?!\x27)/s;
my (%rows, %made, $table, $size, $whole);
my ($head, $rowing) = ("", 0);
binmode STDIN;
binmode STDOUT;

sub refuse { print STDERR "$ENV{ESTATE_MARK}: $_[0]\n"; exit 1 }
sub more { my $line = <STDIN>; refuse("the dump has no end") unless defined $line; return $line }
sub plain { my ($quoted) = @_; $quoted =~ s/``/`/g; return $quoted }
sub json { my ($text) = @_; $text =~ s/([\x00-\x1f"\\])/sprintf("\\u%04x", ord($1))/ge; return "\"$text\"" }

sub put {
  my ($path, @members) = @_;
  open(my $file, ">", $path) or refuse("$path cannot be written");
  print $file "{", join(",\n", @members), "}\n";
  close($file) or refuse("$path cannot be written");
}

# A row, and whether more of its statement follow.
sub row {
  $rows{$table}++;
  $size += $_[0];
  refuse("table " . json($table) . " holds a row that is too large to be loaded again") if $size > $limit;
  $rowing = $_[1] ne ";\n";
}

while (defined(my $line = <STDIN>)) {
  if ($rowing) {
    refuse("the dump has a line among the rows of table " . json($table) . " that is none") if substr($line, 0, 1) ne "(";
    row(length($line), substr($line, -2));
    print $line;
  }
  elsif ($line eq "\n" or substr($line, 0, 2) eq "--" or substr($line, 0, 12) eq "/*M!999999\\-") {
    $whole = 1 if substr($line, 0, 17) eq "-- Dump completed";
    print $line;
  }
  elsif (substr($line, 0, 13) eq "INSERT INTO `") {
    # The next part of the same table has the same head.
    if ($head eq "" or substr($line, 0, length($head)) ne $head) {
      for (;;) {
        if ($line =~ /\AINSERT INTO $name(?: \((?:[^`)]++|$name)*+\))? VALUES[ \n]/) {
          ($table, $head) = (plain($1), substr($line, 0, $+[0]));
          last;
        }
        $line .= more();
      }
    }
    $size = length($head);
    if (length($line) == $size) { $rowing = 1 }
    else { row(length($line) - $size, substr($line, -2)) }
    print $line;
    # A head of several lines is none that one line could have.
    $head = "" if index($head, "\n") < length($head) - 1 and index($head, "\n") >= 0;
  }
  else {
    my ($kind) = $line =~ /\ACREATE (TABLE|SEQUENCE) `/;
    # A stored column may have been made under this mode, and is refused without. What is accepted without does not differ under it.
    $line =~ s{\A/\*!40101 SET \@OLD_SQL_MODE=\@\@SQL_MODE, SQL_MODE=\x27NO_AUTO_VALUE_ON_ZERO\K(?=\x27 )}{,NO_UNSIGNED_SUBTRACTION};
    refuse("a table became a view while it was dumped") if $line =~ m{\A(?:/\*M?!\d* ?)?CREATE } and !$kind;
    my ($created, $named, $out, $done, $at) = (defined $kind, undef, "", 0, 0);
    for (;;) {
      pos($line) = $at;
      $line =~ /\G[^`\x27]*+/gc;
      my $begun = pos($line);
      if ($begun == length($line)) {
        last if substr($line, -2) eq ";\n";
        $line .= more();
        next;
      }
      unless (substr($line, $begun, 1) eq "`" ? $line =~ /\G$name/gc : $line =~ /\G$string/gc) {
        $at = $begun;
        $line .= more();
        next;
      }
      my $quoted = $1;
      $at = pos($line);
      next unless $created and substr($line, $begun, 1) eq "`";
      if (!defined $named) {
        $named = plain($quoted);
        $rows{$named} += 0 if $kind eq "TABLE";
      }
      elsif ($quoted eq $own and substr($line, $at, 1) eq ".") {
        $out .= substr($line, $done, $begun - $done);
        $done = ++$at;
      }
    }
    $out .= substr($line, $done);
    print $out;
    if (defined $named) {
      $out =~ s/\n\) ENGINE=(\w+) AUTO_INCREMENT=\d+ /\n) ENGINE=$1 /;
      $made{lc($kind) . " $named"} = $out;
    }
  }
}
refuse("the dump has no end") if !$whole or $rowing;
put($counts, map { json($_) . ": $rows{$_}" } sort keys %rows);
put($structure, map { json($_) . ": " . json($made{$_}) } sort keys %made);
close(STDOUT) or refuse("the dump cannot be written");
'

# code_objects CLIENT DATABASE: a line of JSON for each: kind, name, definer {user, host}, charset, collation, and by kind mode,
# databaseCollation, zone, algorithm, security, table, timing, event. `text` is what follows the name (a view: AS, a trigger: FOR EACH
# ROW). `broken`: a view of something that is not there. In the order in which the objects have to be made. The first is the comment of
# the database itself, with its `defaults`, which no dump of tables has.
code_objects() {
  "$1" "$2" <<<"$READ_CODE" | perl -we "$PLAIN_LITERALS" | jq -Rc "$CODE_LINES"
}

# The server tells a literal of another character set by its bytes (_latin1 and E9 in quotes), which are no UTF-8: they are written as X and
# hexadecimal, which means the same. In lines as the client in batch writes them.
# shellcheck disable=SC2016
readonly PLAIN_LITERALS='
use strict;
binmode STDIN;
binmode STDOUT;
my %of_client = ("\\" => "\\", n => "\n", t => "\t", r => "\r", 0 => "\0");
my %of_server = (n => "\n", t => "\t", r => "\r", 0 => "\0", b => "\b", Z => "\x1a");
sub plain {
  my ($text) = @_;
  $text =~ s/\\([\\ntr0])/$of_client{$1}/g;
  $text =~ s/\\(.)|\x27\x27/!defined $1 ? "\x27" : defined $of_server{$1} ? $of_server{$1} : $1/gse;
  return "X\x27" . uc(unpack("H*", $text)) . "\x27";
}
while (defined(my $line = <STDIN>)) {
  unless (utf8::decode(my $copy = $line)) {
    $line =~ s{(\b_[a-z0-9]+)\x27((?:[^\x27\\]|\\\\(?:\\\\|[^\\])|\\[ntr0]|\x27\x27)*+)\x27}{
      my ($set, $bytes) = ($1, $2);
      $bytes =~ /[\x80-\xff]/ ? "$set " . plain($bytes) : "$set\x27$bytes\x27";
    }ge;
  }
  print $line;
}
'

# Each object is a line of what it is and the server's own words for it. No name leaves the server to come back in a sentence.
# shellcheck disable=SC2016
readonly READ_CODE='DELIMITER //
BEGIN NOT ATOMIC
  SELECT "object", "database", "comment", "", "", "";
  SELECT schema_comment, default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE();
  SELECT "warnings", 0;
  FOR o IN (
    SELECT 1 AS turn, LOWER(type) AS kind, CONVERT(name USING utf8mb4) AS name, CAST(type AS CHAR) AS word, "" AS tbl, "" AS timing, "" AS event, 0 AS position
      FROM mysql.proc WHERE db = DATABASE()
    UNION ALL SELECT 2, "view", table_name, "VIEW", "", "", "", 0 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = "VIEW"
    UNION ALL SELECT 3, "trigger", trigger_name, "TRIGGER", event_object_table, action_timing, event_manipulation, action_order
      FROM information_schema.triggers WHERE trigger_schema = DATABASE()
    UNION ALL SELECT 4, "event", event_name, "EVENT", "", "", "", 0 FROM information_schema.events WHERE event_schema = DATABASE()
    ORDER BY turn, tbl, event, timing, position, kind, name
  ) DO
    SELECT "object", o.kind, o.name, o.tbl, o.timing, o.event;
    SET @estate_warnings = 0;
    BEGIN
      -- A view that the server made and cannot open (it reads itself by way of others, or a literal or a collation does not fit any more):
      -- it does not tell its text, and nobody can make it. What says nothing of the view (locks, memory, disk, a killed query) is an error.
      DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
        GET DIAGNOSTICS CONDITION 1 @estate_error = MYSQL_ERRNO;
        IF o.kind <> "view" OR @estate_error < 1046
            OR @estate_error IN (1114, 1135, 1142, 1152, 1205, 1206, 1213, 1317, 1370, 1878, 1927, 1969, 3024) THEN
          RESIGNAL;
        END IF;
        SET @estate_warnings = 1;
        SELECT o.name, "CREATE ALGORITHM=UNDEFINED DEFINER=`-`@`-` SQL SECURITY INVOKER VIEW `-` AS (not told)", "utf8mb4", "utf8mb4_general_ci";
      END;
      EXECUTE IMMEDIATE CONCAT("SHOW CREATE ", o.word, " `", REPLACE(o.name, "`", "``"), "`");
      GET DIAGNOSTICS @estate_warnings = NUMBER;
    END;
    SELECT "warnings", IF(o.kind = "view", @estate_warnings, 0);
  END FOR;
END//'

# shellcheck disable=SC2016
readonly CODE_LINES='
# Without gsub, whose memory grows with the square of what it replaces in jq 1.6.
def fields: split("\t") | map(split("\\\\") | map(split("\\n") | join("\n") | split("\\t") | join("\t")
  | split("\\r") | join("\r") | split("\\0") | join("\u0000")) | join("\\"));
def quoted: "(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")";
def unquoted: (.[0:1]) as $mark | .[1:-1] | gsub($mark + $mark; $mark);
def definer: "DEFINER=(?<user>" + quoted + ")(?:@(?<host>" + quoted + "))?";
def of: {user: (.user | unquoted), host: (if .host then (.host | unquoted) else "" end)};
def gap: "(?:\\s|/\\*.*?\\*/|--\\s[^\\n]*\\n|#[^\\n]*\\n)";
def mark: "(?:" + quoted + "|\u0027(?:[^\u0027\\\\]|\\\\.|\u0027\u0027)*\u0027|/\\*.*?\\*/|--\\s[^\\n]*\\n|#[^\\n]*\\n|[^`\"\u0027])";
# What is not as the server tells it is an error and not an object less.
def parts($form; $flags): capture($form; $flags) // error("code of the database cannot be read");
[., (input), (input)] | map(fields)
| .[0] as [$tag, $kind, $name, $table, $timing, $event] | .[1] as $row | .[2][1] as $warnings
| if $tag != "object" or .[2][0] != "warnings" then error("code of the database cannot be read") else . end
| ({kind: $kind, name: $name}
  + if $kind == "database" then {text: $row[0], defaults: {charset: $row[1], collation: $row[2]}}
    elif $kind == "view" then
      ($row[1] | parts("^CREATE ALGORITHM=(?<algorithm>[A-Z]+) " + definer + " SQL SECURITY (?<security>[A-Z]+) VIEW " + quoted + " AS (?<text>.*)$"; "p"))
      | {algorithm, security, text, definer: of, charset: $row[2], collation: $row[3], broken: ($warnings != "0")}
    elif $kind == "trigger" then
      ($row[2] | parts("^CREATE\\s+" + definer; "p") | of) as $definer
      | ($row[2] | parts("^" + mark + "*?\\bFOR" + gap + "+EACH" + gap + "+ROW\\b" + gap + "*(?:(?:FOLLOWS|PRECEDES)" + gap + "+(?:" + quoted + "|[\\w$]+))?(?<text>.*)$"; "pi"))
      | {text, definer: $definer, table: $table, timing: $timing, event: $event, mode: $row[1], charset: $row[3], collation: $row[4], databaseCollation: $row[5]}
    elif $kind == "event" then
      ($row[3] | parts("^CREATE " + definer + " EVENT " + quoted + "(?<text>.*)$"; "p"))
      | {text, definer: of, mode: $row[1], zone: $row[2], charset: $row[4], collation: $row[5], databaseCollation: $row[6]}
    else
      ($row[2] | parts("^CREATE " + definer + " (?<word>AGGREGATE FUNCTION|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE) " + quoted + "(?<text>.*)$"; "p"))
      | {word, text, definer: of, mode: $row[1], charset: $row[3], collation: $row[4], databaseCollation: $row[5]}
    end)'

# What is there and cannot be written down whole, a line of JSON for each column: {table, column, why}. A FLOAT is told with six digits, and
# what Unicode does not have as another character.
# shellcheck disable=SC2016
readonly INEXACT='DELIMITER //
FOR o IN (
  SELECT table_name AS t, column_name AS c, data_type AS why, REPLACE(column_name, "`", "``") AS quoted,
      IF(data_type = "float", "CAST(`#` AS DOUBLE) <> CAST(CAST(CAST(`#` AS CHAR) AS FLOAT) AS DOUBLE)",
        CONCAT("CAST(CONVERT(CONVERT(`#` USING utf8mb4) USING ", character_set_name, ") AS BINARY) <> CAST(`#` AS BINARY)")) AS differs
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = DATABASE() AND table_type IN ("BASE TABLE", "SYSTEM VERSIONED") AND (data_type = "float" AND numeric_scale IS NULL
      OR data_type LIKE "%char" AND character_set_name NOT REGEXP "^(utf|ucs|ascii|latin1)" OR data_type LIKE "%text" AND character_set_name NOT REGEXP "^(utf|ucs|ascii|latin1)")
) DO
  SET @estate_table = o.t, @estate_column = o.c, @estate_why = o.why;
  EXECUTE IMMEDIATE CONCAT("SELECT JSON_OBJECT(\"table\", ?, \"column\", ?, \"why\", ?) FROM DUAL WHERE EXISTS (SELECT * FROM `",
    REPLACE(o.t, "`", "``"), "` WHERE ", REPLACE(o.differs, "#", o.quoted), ")") USING @estate_table, @estate_column, @estate_why;
END FOR//'

# Accounts of the server, as a list of {user, host}.
accounts() {
  root_sql <<<"SELECT JSON_OBJECT('user', user, 'host', host) FROM mysql.global_priv" | jq -cs .
}
