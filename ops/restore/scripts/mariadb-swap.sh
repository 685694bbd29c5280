# The change of places: all of it or nothing, and in a stated time. The journal (common.sh) holds PHASE REPLACED HAD, the number of tables
# that live had. PHASE `whole`: live is as it was; `apart`: its code is taken away, its tables change names; `new`: it is the restored one.
# Pasted, each checked or constant: LIVE SCRATCH SERVICE REPLACED from to turn moves ours 1

each_account() {
  root_sql <<SQL
DELIMITER //
FOR a IN (SELECT user AS u, host AS h FROM mysql.global_priv WHERE user = '$SERVICE' AND host <> '') DO
  EXECUTE IMMEDIATE CONCAT('ALTER USER ', QUOTE(a.u), '@', QUOTE(a.h), ' ACCOUNT $1');
END FOR//
SQL
}
end_sessions() {
  local _
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ "$(root_sql <<<"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '$SERVICE'")" != 0 ] || return 0
    # One that has gone by itself is none to complain of.
    root_sql <<<"KILL HARD CONNECTION USER '$SERVICE'" 2>/dev/null || true
    sleep 0.2
  done
}
open_logins() { each_account UNLOCK; }

# Whoever holds one of the tables is waited for before anything is taken apart.
nobody_in() {
  as_loader "$1" <<<"SELECT CONCAT('LOCK TABLES ', GROUP_CONCAT('\`', REPLACE(table_name, '\`', '\`\`'), '\` WRITE')) INTO @estate_tables
    FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE');
    EXECUTE IMMEDIATE IFNULL(@estate_tables, 'DO 0'); UNLOCK TABLES"
}
# What a service has prepared keeps its locks when its session is gone, and no list says whose it is.
prepared_ones() {
  local count
  count=$(root_sql <<<'XA RECOVER' | wc -l)
  [ "$count" = 0 ] || tell "prepared transactions on this server: $count. They outlive their sessions, and may hold a table of $LIVE: XA RECOVER shows them, XA ROLLBACK ends them"
}
tables_in() {
  root_sql <<<"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$1' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')"
}

# rename_tables FROM TO [FROM TO]: one statement: the server does all of it or nothing.
rename_tables() {
  local parts=() from to turn=0 moves
  while (($#)); do
    from=$1 to=$2
    shift 2
    turn=$((turn + 1))
    parts+=("SELECT table_name, CONCAT('\`$from\`.\`', REPLACE(table_name, '\`', '\`\`'), '\` TO \`$to\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`') AS move,
      $turn AS turn FROM information_schema.tables
      WHERE table_schema = '$from' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')")
  done
  moves=$(printf '%s' "${parts[0]}"; printf ' UNION ALL %s' "${parts[@]:1}")
  as_loader "$LIVE" <<SQL
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT(move ORDER BY turn, table_name)) INTO @estate_moves FROM ($moves) m;
EXECUTE IMMEDIATE IFNULL(@estate_moves, 'DO 0');
SQL
}

# Prints for how many ms the logins were closed.
swap() {
  to_the_end
  local code=0
  # In a shell of its own, which the first failing command ends.
  change_places & wait "$!" || code=$?
  [ "$code" = 0 ] || prepared_ones || true
  settle >/dev/null
  return "$code"
}

change_places() {
  local started foreign made="$state/$SCRATCH/made.jsonl"
  install -d -m 0700 "$state/$LIVE" "$state/$SCRATCH"
  note_swap whole "$REPLACED" 0
  create_like_live "$REPLACED"
  code_account_on "$LIVE" "$SCRATCH" "$REPLACED"
  code_objects as_loader "$LIVE" >"$state/$LIVE/code.jsonl"
  sync "$state/$LIVE/code.jsonl"
  definers "$state/$SCRATCH/code.jsonl" "$state/$LIVE/code.jsonl" >"$made"
  started=$(now_ms)
  each_account LOCK
  end_sessions
  nobody_in "$LIVE"
  note_swap apart "$REPLACED" "$(tables_in "$LIVE")"
  strip_code "$LIVE"
  rename_tables "$LIVE" "$REPLACED" "$SCRATCH" "$LIVE"
  sequence_defaults "$LIVE" "$SCRATCH"
  foreign_keys "$LIVE" "$SCRATCH"
  make_code "$LIVE" "$made"
  code_notes "$made" >"$state/$LIVE/notes"
  if lost_code "$made"; then tell_lines <"$state/$LIVE/notes"; exit 1; fi
  foreign=$(root_sql <<<"SELECT COUNT(*) FROM information_schema.referential_constraints
    WHERE constraint_schema = '$LIVE' AND unique_constraint_schema <> '$LIVE'")
  [ "$foreign" = 0 ] || { tell "$foreign foreign keys would lead out of $LIVE"; exit 1; }
  note_swap new "$REPLACED" 0
  open_logins
  echo "$(($(now_ms) - started))"
}

# After a change of places, however it ended: live is whole, as what it was or as what it was to become, and open. It asks the server, for
# whoever has begun a statement may be gone before its answer. Prints what it found.
settle() {
  local phase had REPLACED code="$state/$LIVE/code.jsonl"
  read -r phase REPLACED had <"$journal"
  declared_name "$REPLACED"
  code_account_on "$LIVE" "$SCRATCH" "$REPLACED"
  end_left_behind
  case $phase in
    apart)
      put_back "$had"
      echo "a change of places that broke off was taken back: $LIVE is what it was before"
      ;;
    new)
      open_logins
      strip_code "$REPLACED"
      keep_replaced || echo "the views and routines of $REPLACED are in $code alone" >>"$state/$LIVE/notes"
      echo "a change of places was through before it broke off: $LIVE is the restored one, $REPLACED what it was before"
      ;;
    *) echo "a change of places broke off before it began: $LIVE is what it was" ;;
  esac
  # Never with a table in it.
  if [ "$phase" != new ] && [ "$(tables_in "$REPLACED")" = 0 ]; then root_sql <<<"DROP DATABASE IF EXISTS \`$REPLACED\`"; fi
  open_logins
  [ "$phase" != new ] || borrowed_rights REVOKE "$REPLACED"
  code_account_off "$LIVE" "$SCRATCH" "$REPLACED"
  rm -f "$journal"
  [ "$phase" != new ] || drop_scratch
}

# A statement goes on when its client is gone, and holds what it holds.
end_left_behind() {
  local left ours="user = 'estate-restore' AND db IN ('$LIVE', '$SCRATCH', '$REPLACED')"
  for _ in {1..150}; do
    left=$(root_sql <<<"SELECT COUNT(*) FROM information_schema.processlist WHERE $ours")
    [ "$left" != 0 ] || return 0
    # One may have gone by itself.
    root_sql 2>/dev/null <<SQL || true
DELIMITER //
FOR o IN (SELECT id FROM information_schema.processlist WHERE $ours) DO
  EXECUTE IMMEDIATE CONCAT('KILL ', o.id);
END FOR//
SQL
    sleep 0.2
  done
  tell "a statement of the restore is still at work in $LIVE"
  return 1
}

# Live as it was: the server has renamed all tables or none.
put_back() {
  local had=$1 code="$state/$LIVE/code.jsonl"
  strip_code "$LIVE"
  if [ "$(tables_in "$REPLACED")" != 0 ] || { [ "$had" = 0 ] && [ "$(tables_in "$SCRATCH")" = 0 ]; }; then
    rename_tables "$LIVE" "$SCRATCH" "$REPLACED" "$LIVE"
  fi
  # An account that is gone makes nothing any more.
  definers "$code" "$code" >"$code.back"
  make_code "$LIVE" "$code.back"
  ! lost_code "$code.back" || code_notes "$code.back" | tell_lines
}

keep_replaced() {
  borrowed_rights GRANT "$REPLACED"
  sequence_defaults "$REPLACED" "$LIVE"
  foreign_keys "$REPLACED" "$LIVE"
  definers "$state/$LIVE/code.jsonl" "$state/$LIVE/code.jsonl" >"$state/$LIVE/kept.jsonl"
  EVENTS_OFF=yes make_code "$REPLACED" "$state/$LIVE/kept.jsonl"
  ! lost_code "$state/$LIVE/kept.jsonl"
}
