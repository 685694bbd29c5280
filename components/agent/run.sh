# One run: every database in turn. A database that fails does not keep the others from being saved.

run() {
  local tag=daily id started wanted=() databases=() entry name ok=true code server epoch
  while (($#)); do
    case $1 in
      --tag) tag=$2; shift 2 ;;
      *) wanted+=("$1"); shift ;;
    esac
  done
  for entry in $DATABASES; do
    if ((${#wanted[@]} == 0)) || [[ " ${wanted[*]} " == *" ${entry%%:*} "* ]]; then databases+=("$entry"); fi
  done
  for name in "${wanted[@]}"; do
    [[ " $DATABASES" == *" $name:"* ]] || { fail "\"$name\" is no database of this host; it has: $(tr ' ' '\n' <<<"$DATABASES" | cut -d: -f1 | paste -sd' ')" ; return 1; }
  done

  id=$(new_id)
  started=$(now_ms)
  : >"$work/objects.jsonl"
  : >"$work/failed"
  : >"$work/proofs"
  if ((${#wanted[@]} == 0)) && [ "$tag" = daily ]; then choose_proofs >"$work/proofs"; fi
  if ((${#wanted[@]} == 0)) && has_accounts; then databases+=(_accounts:daily); fi
  for entry in "${databases[@]}"; do
    step 0 save "${entry%%:*}" "$id" "$tag" || echo "${entry%%:*}" >>"$work/failed"
  done

  [ ! -s "$work/failed" ] || ok=false
  # A server that is down, or does not answer, has no version, and this run is told of all the same.
  server=$(step 15 server_version) || server=unknown
  epoch=$(step 15 epoch) || epoch=
  jq -n --arg run "$id" --arg host "$HOST" --arg engine "$ENGINE" --arg tag "$tag" --arg epoch "$epoch" --argjson ok "$ok" \
    --argjson durationMs "$(($(now_ms) - started))" --arg server "$server" --arg dump "$(dump_version)" \
    --arg age "$(age --version)" --arg zstd "$(zstd --version | grep -o 'v[0-9.]*' | head -n 1)" \
    --rawfile failed "$work/failed" --arg finished "$(now_iso)" --slurpfile objects "$work/objects.jsonl" \
    '{run: $run, host: $host, engine: $engine, tag: $tag, ok: $ok, finished: $finished, durationMs: $durationMs,
      versions: {server: $server, dump: $dump, age: $age, zstd: $zstd}, failed: ($failed | split("\n") | map(select(. != ""))),
      objects: $objects} + if $epoch == "" then {} else {epoch: $epoch} end' \
    >"$work/manifest.json"
  # It comes after what it lists: whoever reads it finds all of it.
  step 0 upload "$work/manifest.json" "$KEPT/$HOST/manifests/$id.json" || { ok=false; echo "the manifest" >>"$work/failed"; }
  if ((${#wanted[@]} == 0)); then
    step 0 archive_months || { ok=false; echo "the archive" >>"$work/failed"; }
  fi
  find "$LOCAL" -path "$LOCAL/wal" -prune -o -type f \( -name '*.age' -o -name '*.json' \) -mtime "+$((LOCAL_DAYS - 1))" -exec rm -f {} +
  cat "$work/manifest.json"
  [ "$ok" = true ] || { fail "not saved: $(tr '\n' ' ' <"$work/failed")"; return 1; }
}

# save DATABASE RUN TAG: dump, encrypt, keep here, send. Appends what the manifest says of it. A step of its own.
save() {
  local database=$1 id=$2 tag=$3 began key file code=0 parts=1 took seconds=$DUMP_SECONDS
  began=$(now_ms)
  key="$id.$(extension_of "$database").zst.age"
  file="$LOCAL/$database/$key"
  key="$KEPT/$HOST/$database/$key"
  server_has_room "dump of $database"
  install -d -m 0700 "$LOCAL/$database"
  rm -f "$work"/{rows,notes,proof,object}.json
  half="$file.part"
  trap 'rm -f "$half"' EXIT
  if grep -qxF -- "$database" "$work/proofs"; then
    # It waits for the load, too. A try counts whatever comes of it, or one that always fails would take the others' turn.
    seconds=$((seconds + PROOF_SECONDS))
    : >"$state/proofs/$database.tried"
  fi
  step "$seconds" dump_to "$database" "$file.part" 2>&1 >/dev/null | bounded "$work/dump.log" || code=$?
  ((code == 0)) || fail "dump of $database: $(words_of "$code" "$work/dump.log")"
  jq -e 'type == "object" and all(.[]; type == "number")' "$work/rows.json" >/dev/null || fail "the rows of $database were not counted"
  [ -s "$work/notes.json" ] || echo '[]' >"$work/notes.json"
  [ -s "$work/proof.json" ] || echo null >"$work/proof.json"
  mv "$file.part" "$file"
  if (($(stat -c %s "$file") > PART)); then
    upload_parts "$file" "$key" "$work/parts.jsonl"
    parts=$(wc -l <"$work/parts.jsonl")
  else
    upload "$file" "$key"
  fi
  # By files: a list of some thousand tables does not fit into an argument.
  jq -cn --arg database "$database" --arg key "$key" --arg sha256 "$(sum_of "$file")" --argjson bytes "$(stat -c %s "$file")" \
    --argjson parts "$parts" --slurpfile rows "$work/rows.json" --slurpfile notes "$work/notes.json" \
    --slurpfile proof "$work/proof.json" --argjson durationMs "$(($(now_ms) - began))" \
    '{database: $database, key: $key, sha256: $sha256, bytes: $bytes, rows: $rows[0], durationMs: $durationMs}
      + if $parts > 1 then {parts: $parts} else {} end
      + if $notes[0] == [] then {} else {notes: $notes[0]} end
      + if $proof[0] == null then {} else {proof: $proof[0]} end' >"$work/object.json"
  # Beside the copy, for the archive at the end of the month.
  [ "$tag" != daily ] || whole "$LOCAL/$database/$id.json" <"$work/object.json"
  cat "$work/object.json" >>"$work/objects.jsonl"
  took=$((($(now_ms) - began) / 100))
  say "$database  $(numfmt --to=iec "$(stat -c %s "$file")")  $((took / 10)).$((took % 10)) s"
}

# dump_to DATABASE FILE: sealed, and on its way also into the proof where it is this one's turn.
dump_to() {
  local database=$1 file=$2 prover
  if ! grep -qxF -- "$database" "$work/proofs"; then
    dump "$database" "$work/rows.json" | seal >"$file"
    return
  fi
  # Of a dump that failed before.
  rm -f "$work/proof.in"
  mkfifo "$work/proof.in"
  prove "$database" <"$work/proof.in" >&2 &
  prover=$!
  # A proof that breaks off is no reason to lose the dump.
  dump "$database" "$work/rows.json" | tee --output-error=warn-nopipe "$work/proof.in" | seal >"$file"
  wait "$prover" || true
  rm -f "$work/proof.in"
  judge_proof "$database"
}
