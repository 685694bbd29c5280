# Making what a dump of MariaDB holds: its code, which is data. Each object is made by one prepared statement, so that whatever its text
# says it is one object of the name, in the database and by the definer that we say. Sourced by the agent and by restores. LIVE: the
# database that the dump is of.
# Pasted, each checked or constant: database

# as_loader [OPTION...] DATABASE: a client of whoever loads. A lock that somebody else holds ends it after 30 s. A row may be there that no
# CHECK would let in: any session may switch them off.
as_loader() {
  as "${loading_user:-estate-restore}" mariadb --no-defaults --skip-ssl --protocol=socket --socket="$SOCKET" --sandbox --binary-mode --batch \
    --skip-column-names --max-allowed-packet=1G --default-character-set=utf8mb4 \
    --init-command="$pinned, lock_wait_timeout = 30, sql_notes = 0, group_concat_max_len = 1073741824, system_versioning_alter_history = 'KEEP', check_constraint_checks = 0, innodb_strict_mode = OFF" \
    "$@"
}

# take_code FILE: the code at the beginning of a dump on standard input goes to FILE, the rest to standard output.
take_code() { confined "$ROWS_SECONDS" code_from_rest "$1"; }
code_from_rest() {
  local line
  : >"$1"
  while IFS= read -r line; do
    [[ $line == '-- code '* ]] || break
    printf '%s\n' "${line#-- code }" >>"$1"
  done
  jq -es 'all(type == "object")' "$1" >/dev/null || { tell "the dump begins with what is no code of ours"; return 1; }
  printf '%s\n' "$line"
  cat
}

# make_code DATABASE FILE: makes the objects of FILE. Those that need each other are tried again until no more can be made. What is left
# goes to FILE.left, with the server's code as `error`; 65535: an event whose time is over, which no server makes.
make_code() {
  local database=$1 left="$2.left" before results="$2.results"
  jq -c --arg was "$LIVE" --arg now "$database" "$NAMED_DATABASE" "$2" >"$left"
  while [ -s "$left" ]; do
    before=$(wc -l <"$left")
    jq -rs --arg disabled "${EVENTS_OFF:-}" "$CODE_STATEMENTS" "$left" | as_loader "$database" >"$results"
    jq -cs --rawfile results "$results" '($results | split("\n") | map(select(. != "") | split("\t"))) as $done
      | if ($done | length) != length then error("not every object was tried") else . end
      | to_entries[] | ($done[.key][1] | tonumber) as $error | select($error != 0) | .value + {error: $error}' "$left" >"$left.next"
    mv "$left.next" "$left"
    [ "$(wc -l <"$left")" -lt "$before" ] || break
  done
  rm -f "$results"
}

# A view names its own database only where it also looks elsewhere, and then with every table: that name becomes the one that it is made
# in. Elsewhere the same mark is a table of that name.
# shellcheck disable=SC2016
readonly NAMED_DATABASE='
def name: "`(?:[^`]|``)*`";
def string: "\u0027(?:[^\u0027\\\\]|\\\\.|\u0027\u0027)*\u0027";
("`" + $was + "`\\.") as $own
| if .kind == "view" and $was != $now and (.text | gsub(string; "\u0027\u0027"; "p") | test("(?:from|join) \\(*" + $own + name + "|" + $own + name + "\\."; "p")) then
    .text |= gsub("(?<own>" + $own + ")|(?<other>" + string + "|" + name + ")"; if .own then "`" + $now + "`." else .other end; "p")
  else . end'

# shellcheck disable=SC2016
readonly CODE_STATEMENTS='
def id: "`" + gsub("`"; "``") + "`";
def value: "CONVERT(FROM_BASE64(\u0027" + @base64 + "\u0027) USING utf8mb4)";
def definer: "DEFINER=" + (.definer.user | id) + (if .definer.host == "" then "" else "@" + (.definer.host | id) end);
def created: "CREATE "
  + if .kind == "view" then "ALGORITHM=" + (.algorithm | match("^[A-Z]+$").string) + " " + definer + " SQL SECURITY " + (.security | match("^[A-Z]+$").string)
      + " VIEW " + (.name | id) + " AS " + .text
    elif .kind == "trigger" then definer + " TRIGGER " + (.name | id) + " " + (.timing | match("^(BEFORE|AFTER)$").string) + " "
      + (.event | match("^(INSERT|UPDATE|DELETE)$").string) + " ON " + (.table | id) + " FOR EACH ROW " + .text
    elif .kind == "event" then definer + " EVENT " + (.name | id) + " " + .text
    else definer + " " + (.word | match("^(AGGREGATE FUNCTION|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE)$").string) + " " + (.name | id) + " " + .text end;
def statement: if .kind == "database" then "CONCAT(\u0027ALTER DATABASE COMMENT \u0027, QUOTE(" + (.text | value) + "))" else created | value end;
def collation: "EXECUTE IMMEDIATE CONCAT(\u0027ALTER DATABASE COLLATE \u0027, " + . + ");";
"SET @estate_collation = @@collation_database;\nDELIMITER //",
(to_entries[] | .key as $n | .value | . as $o
  | (.databaseCollation // "" | if test("^\\w*$") then . else error("no collation") end) as $collation
  | "BEGIN NOT ATOMIC
  DECLARE failed, last INT DEFAULT 0;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
      GET DIAGNOSTICS last = NUMBER;
      GET DIAGNOSTICS CONDITION last failed = MYSQL_ERRNO;
    END;
    IF " + ($collation | value) + " NOT IN (\u0027\u0027, @@collation_database) THEN " + ($collation | value | collation) + " END IF;
    SET time_zone = " + (.zone // "+00:00" | value) + ", character_set_client = " + (.charset // "utf8mb4" | value) + ", collation_connection = " + (.collation // "utf8mb4_general_ci" | value) + ", sql_mode = " + (.mode // "" | value) + ";
    EXECUTE IMMEDIATE " + statement + ";
" + (if .kind == "event" then "    IF NOT EXISTS (SELECT * FROM information_schema.events WHERE event_schema = DATABASE() AND event_name = " + (.name | value) + ") THEN SET failed = 65535;\n    ELSEIF " + (if $disabled != "" then "TRUE" else "FALSE" end) + " THEN\n    SET sql_mode = \u0027\u0027;\n    EXECUTE IMMEDIATE " + ("ALTER " + definer + " EVENT " + (.name | id) + " DISABLE" | value) + ";\n    END IF;\n" else "" end) + "  END;
  IF @@collation_database <> @estate_collation THEN " + ("@estate_collation" | collation) + " END IF;
  SELECT " + ($n | tostring) + ", failed;
END//
SET NAMES utf8mb4//"),
"DELIMITER ;"'

# For jq, of an object of the code: a name as a person reads it; a trigger whose column has gone, which was not whole when it was saved (no other
# name in its text is looked at).
# shellcheck disable=SC2016
readonly ABOUT_CODE='def shown: if test("^[\\w$]+$") then . else tojson end; def gone: .kind == "trigger" and .error == 1054;'

# A line for each of FILE whose definer is not what it was, or that is left, and for defaults that are `now` others. For a person.
code_notes() {
  jq -r 'def shown: if test("^\\w+$") then . else tojson end; def words: (.charset | shown) + " " + (.collation | shown);
    select(.now and .now != .defaults) | "character set and collation of new tables were " + (.defaults | words) + " when it was saved, and stay "
      + (.now | words)' "$1"
  jq -r "$ABOUT_CODE"' select(.was and (.broken | not)) | .kind + " " + (.name | shown) + " was made by "
    + (.was.user + "@" + .was.host | tojson) + ", and is the service'"'"'s now"' "$1"
  [ ! -s "$1.left" ] || jq -r "$ABOUT_CODE"' .kind + " " + (.name | shown)
    + if .error == 65535 then " is over, and is left out"
      elif gone then " names a column that its table does not have any more, and is left out"
      elif .broken then " was broken when it was saved, and is left out" else " cannot be made: error " + (.error | tostring) end' "$1.left"
}
# What was whole when it was saved has to be made.
lost_code() {
  [ -s "$1.left" ] && jq -es "$ABOUT_CODE"' any((.broken or .error == 65535 or gone) | not)' "$1.left" >/dev/null
}

# {"TABLE": ROWS, ...}; of a table that keeps its history, that too. One of the engine MERGE has none of its own.
readonly COUNT_ROWS='DELIMITER //
FOR o IN (SELECT table_name AS n, CASE WHEN table_type = "SYSTEM VERSIONED" THEN " FOR SYSTEM_TIME ALL"
      WHEN engine = "MRG_MyISAM" THEN " WHERE FALSE" ELSE "" END AS history FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type IN ("BASE TABLE", "SYSTEM VERSIONED")) DO
  SET @estate_name = o.n;
  EXECUTE IMMEDIATE CONCAT("SELECT JSON_OBJECT(?, COUNT(*)) FROM `", REPLACE(o.n, "`", "``"), "`", o.history) USING @estate_name;
END FOR//'
