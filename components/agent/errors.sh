# The one filter for what the clients of both engines say: a message of a server may hold a value of somebody's row, in its
# text, in its details, in the statement that it quotes. Sourced by the agent, and put before the steps of a restore.

# A sentence of our own: client_words lets it through. What a server quotes may look like anything but this mark, which nobody else knows.
: "${ESTATE_MARK:=estate-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')}"
export ESTATE_MARK
tell() { printf '%s: %s\n' "$ESTATE_MARK" "$*" >&2; }
# Lines of ours, on standard input.
tell_lines() { sed "s/^/$ESTATE_MARK: /" >&2; }

# client_words FILE (-: standard input): code, SQLSTATE, line, object and kind of each failure in what clients wrote to FILE. Only what is
# known to hold no value is shown; whatever else there is, a line that a value broke off included, is left out.
client_words() {
  # A line may be as long as the disk is large.
  LC_ALL=C cut -b 1-8000 -- "$1" | LC_ALL=C awk '
    # The part of a server message that names objects; "" where it could hold anything.
    function kind(text,   at) {
      sub(/[ \t\r]+$/, "", text)
      if (text ~ /^duplicate key value violates unique constraint "/ ||
          text ~ /^conflicting key value violates exclusion constraint "/ ||
          text ~ /^(insert or update|update or delete) on table "[^"]*" violates foreign key constraint "/ ||
          text ~ /^new row for relation "[^"]*" violates check constraint "/ ||
          text ~ /^check constraint "[^"]*" of relation "[^"]*" is violated by some row$/ ||
          text ~ /^value for domain .* violates (check|not-null) constraint/ ||
          text ~ /^new row violates row-level security policy/ ||
          text ~ /^null value in column "[^"]*" of relation "[^"]*" violates not-null constraint$/ ||
          text ~ /^(could not create unique index|no partition of relation) "/ ||
          text ~ /^(relation|table|view|materialized view|sequence|index|function|procedure|aggregate|type|domain|schema|database|extension|column|constraint|policy|trigger|operator|collation|language|large object|cast|text search [a-z]+|access method|publication|tablespace|server|conversion|statistics object|rule) .* (does not exist|already exists|is not available)$/ ||
          # A value that is cast to a role is told in these words, too.
          text ~ /^role "[A-Za-z0-9_$. -]*" (does not exist|already exists)$/ ||
          text ~ /^constraint "[^"]*" for relation "[^"]*" already exists$/ ||
          text ~ /^column "[^"]*" of relation "[^"]*" does not exist$/ ||
          text ~ /^permission denied(: "[a-z_]*" is a system catalog| (for|to) [A-Za-z ]+("?[A-Za-z0-9_$.]+"?)?)$/ ||
          text ~ /^must (be (owner|superuser|able)|have|inherit) [A-Za-z ,]+("?[A-Za-z0-9_$.]+"?[a-z ]*)?$/ ||
          text ~ /^(canceling|terminating) [a-z -]+( due to [a-z -]+)?$/ ||
          text ~ /^(could not obtain lock on (relation|row)|deadlock detected|out of (memory|shared memory)|invalid memory alloc request size|cannot enlarge string buffer)/ ||
          text ~ /^(could not (extend|write|open|read|create|fsync) file|No space left|disk full|the database system is )/ ||
          text ~ /^value too long for type / || text ~ /^unrecognized configuration parameter "[a-z_.]*"$/ ||
          text ~ /^(extension|cannot|source database|database|role) "[^"]*" (is|has|cannot|was|owned) / ||
          text ~ /^(no pg_hba.conf entry|pg_hba.conf rejects|[Pp]eer authentication failed|password authentication failed|too many connections|remaining connection slots|sorry, too many clients)/ ||
          text ~ /^cannot execute [A-Z ]+ in a read-only transaction$/ || text ~ /^division by zero$/ ||
          text ~ /^(unterminated|malformed|cached plan|could not serialize) [a-z ]*$/) return text
      if (match(text, /^(invalid input syntax for (type )?[a-z ]+|invalid input value for enum [a-z_."]+|date\/time field value out of range|invalid byte sequence for encoding "[A-Z0-9]+"|syntax error|value "?[^ ]*"? is out of range for type [a-z ]+|[a-z]+ out of range|extra data after last expected column|missing data for column|unexpected message)/)) {
        at = substr(text, 1, RLENGTH); sub(/^value "?[^ ]*"? is/, "value", at); return at
      }
      # MariaDB
      if (match(text, /^Duplicate entry .* for key /)) { at = text; sub(/^.* for key /, "", at); return "Duplicate entry for key " plain(at) }
      if (match(text, /^Duplicate entry/)) return "Duplicate entry"
      if (match(text, /^You have an error in your SQL syntax/)) return substr(text, 1, RLENGTH)
      if (match(text, /^(Incorrect|Truncated incorrect|Invalid) [A-Za-z0-9_]+ value/)) {
        at = substr(text, 1, RLENGTH)
        if (match(text, / for column [^ ]+ at row [0-9]+$/)) at = at substr(text, RSTART)
        return at
      }
      if (match(text, /^(Cannot (add or update a child|delete or update a parent) row: a foreign key constraint fails)/)) {
        at = substr(text, 1, RLENGTH)
        if (match(text, /\(`[^`]*`\.`[^`]*`, CONSTRAINT `[^`]*`/)) at = at " " substr(text, RSTART + 1, RLENGTH - 1)
        return at
      }
      if (text ~ /^(Unknown (database|table|column|collation|character set|storage engine|system variable|VIEW|SEQUENCE|prepared)|Table .* (doesn.t exist|already exists|is (full|read only|marked as crashed)|was not locked)|Can.t (create|open|drop|find|write|connect|lock|get)|Access denied |Data (too long|truncated) for column |Out of range value for column |Column .* (cannot be null|specified twice)|Field .* doesn.t have a default|View .* references invalid |(FUNCTION|PROCEDURE|TRIGGER|EVENT|SEQUENCE|Trigger|Event) .* (does not exist|already exists)|Lost connection|Server has gone away|MySQL server has gone away|MariaDB server has gone away|Got (a )?packet bigger|Lock wait timeout|Deadlock found|Row size too large|Specified key was too long|Index column size too large|Too many |The user specified as a definer |Multiple primary key|Duplicate (key|column|foreign key|index) name|Foreign key constraint is incorrectly formed|Query execution was interrupted|The table .* is full|Host .* is (blocked|not allowed)|CONSTRAINT .* failed for|The MariaDB server is running with|SSL connection error|Malformed communication packet|Result consisted of|Subquery returns|Division by 0)/)
        return plain(text)
      return ""
    }
    # Without what a message may quote after all: a text in quotes that is followed by none of the words for objects.
    function plain(text) { sub(/ near .*/, "", text); return text }
    function show(before, text,   safe) {
      safe = kind(text)
      print before (safe == "" ? (before ~ /[0-9]/ ? "" : "the server refused it; its words may hold data and are") " not shown" : safe)
    }
    { line = $0; gsub(/[^[:print:]\t]/, "?", line); line = substr(line, 1, 2000) }
    index(line, ENVIRON["ESTATE_MARK"] ": ") == 1 { print substr(line, length(ENVIRON["ESTATE_MARK"]) + 3); next }
    line ~ /^(DETAIL|HINT|QUERY|STATEMENT|LINE|WHERE|LOCATION|Command was|NOTICE|WARNING|INFO|LOG)/ { next }
    # COPY members, line 3, column name: "value"
    match(line, /^CONTEXT:  COPY [^"]*, line [0-9]+(, column [^:"]+)?/) { print "  in " substr(line, 11, RLENGTH - 10); next }
    match(line, /^pg_restore: from TOC entry [0-9]+; [0-9]+ [0-9]+ /) { print "pg_restore: in " substr(line, RLENGTH + 1, 200); next }
    # [psql:FILE:LINE: | pg_restore: error: could not execute query: | ...] ERROR:  [SQLSTATE: ] words
    match(line, /(ERROR|FATAL|PANIC):  ([0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z](: |$))?/) {
      before = substr(line, 1, RSTART - 1); word = substr(line, RSTART, RLENGTH)
      if (before == "" || before ~ /^psql:[^ ]*: $/ || before ~ /^(pg_[a-z]+|psql): (error|fatal): [A-Za-z0-9 ,:"._()-]*$/ || before ~ /^pg_restore: error: COPY failed for table "[^"]*": $/ || before ~ /^pg_[a-z]+: error: [A-Za-z ]+ "[^"]*"[A-Za-z ,]*: $/ || before ~ /^(pg_[a-z]+|psql): error: connection to server [^:]* failed: $/) {
        show(before word, substr(line, RSTART + RLENGTH)); next
      }
      next
    }
    # ERROR 1062 (23000) at line 3: words
    match(line, /^(--------------$|(mariadb|mysql)[a-z-]*: )?ERROR [0-9]+ \([0-9A-Z]+\)( at line [0-9]+)?( in file: [^ ]+)?: /) { show(substr(line, 1, RLENGTH), substr(line, RLENGTH + 1)); next }
    match(line, /^(mariadb|mysql)[a-z-]*: (Got error|Error): ?[0-9]+: /) {
      before = substr(line, 1, RLENGTH); text = substr(line, RLENGTH + 1); sub(/^"/, "", text); sub(/" when .*/, "", text); show(before, text); next
    }
    match(line, /^(mariadb|mysql)[a-z-]*: Error [0-9]+: /) {
      before = substr(line, 1, RLENGTH); text = substr(line, RLENGTH + 1); sub(/ when dumping table.*/, "", text); show(before, text)
      if (match(line, /when dumping table `[^`]*` at row: [0-9]+/)) print "  " substr(line, RSTART, RLENGTH)
      next
    }
    match(line, /^(mariadb|mysql)[a-z-]*: Couldn.t execute /) {
      code = line; if (sub(/^.*\(/, "", code) && code ~ /^[0-9]+\)$/) print "a statement was refused (" code; else print "a statement was refused"
      next
    }
    # What a client says itself, of files and connections: no statement and no row in it.
    line ~ /^(pg_[a-z]+|psql): (error|fatal|warning): (query|statement) / { next }
    line ~ /^(pg_[a-z]+|psql): (detail|hint|warning): / { next }
    line ~ /^(pg_[a-z]+|psql): / { print substr(line, 1, 300); next }
    # By the forms that these programs have: a line of a value may begin with one of their names.
    line ~ /^(mariadb-backup|mbstream|age|zstd|tar|runuser|bash|env|head|cat|mktemp|install|chroot|unshare|curl): (line [0-9]+: |error: |fatal: |cannot |invalid |failed |[^ ]+: (No such file|Permission denied|No space left|Cannot|command not found))/ { print substr(line, 1, 300); next }
    # Of whatever program, at its end.
    line ~ /: No space left on device$/ { print "No space left on device"; next }
    # What reads others\047 texts, at its bounds (bounds.sh).
    line ~ /^(Out of memory|jq: error: cannot allocate memory|error: cannot allocate memory|mawk: |awk: .*memory|bash: xrealloc: cannot allocate)/ { print "out of memory: what was read here is larger than may be"; next }
    line ~ /^jq: error [^:]*: Exceeds depth limit for parsing/ { print "JSON that is nested too deep"; next }
  '
}
