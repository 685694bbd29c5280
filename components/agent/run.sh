# One run: every database in turn. A database that fails does not keep the others from being saved.

run() {
  local tag=daily id started failed=() wanted=() databases=() entry
  while (($#)); do
    case $1 in
      --tag) tag=$2; shift 2 ;;
      *) wanted+=("$1"); shift ;;
    esac
  done
  for entry in $DATABASES; do
    if ((${#wanted[@]} == 0)) || [[ " ${wanted[*]} " == *" ${entry%%:*} "* ]]; then databases+=("$entry"); fi
  done
  local name
  for name in "${wanted[@]}"; do
    [[ " $DATABASES" == *" $name:"* ]] || { fail "\"$name\" is no database of this host; it has: $(sed 's/:[a-z]*//g' <<<"$DATABASES")" ; return 1; }
  done

  id=$(date -u +%Y%m%dT%H%M%SZ)
  # Restores ask for several small runs in a row, and no name may be used twice.
  while [ "$(cat "$state/last-run" 2>/dev/null)" = "$id" ]; do
    sleep 0.2
    id=$(date -u +%Y%m%dT%H%M%SZ)
  done
  echo "$id" >"$state/last-run"
  started=$(now_ms)
  work=$(mktemp -d "$state/run.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  : >"$work/objects.jsonl"
  for entry in "${databases[@]}"; do
    save "${entry%%:*}" "${entry##*:}" "$id" "$tag" || failed+=("${entry%%:*}")
  done
  if ((${#wanted[@]} == 0)); then save _accounts daily "$id" "$tag" || failed+=(_accounts); fi

  local ok=true
  ((${#failed[@]} == 0)) || ok=false
  jq -n --arg run "$id" --arg host "$HOST" --arg engine "$ENGINE" --arg tag "$tag" --arg epoch "$(epoch)" --argjson ok "$ok" \
    --argjson durationMs "$(($(now_ms) - started))" --arg server "$(server_version)" --arg dump "$(dump_version)" \
    --arg age "$(age --version)" --arg zstd "$(zstd --version | grep -o 'v[0-9.]*' | head -n 1)" \
    --argjson failed "$(printf '%s\n' "${failed[@]}" | jq -R . | jq -s 'map(select(. != ""))')" \
    --arg finished "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --slurpfile objects "$work/objects.jsonl" \
    '{run: $run, host: $host, engine: $engine, tag: $tag, epoch: $epoch, ok: $ok, finished: $finished, durationMs: $durationMs,
      versions: {server: $server, dump: $dump, age: $age, zstd: $zstd}, failed: $failed, objects: $objects}' \
    >"$work/manifest.json"
  # The manifest comes after what it lists, the status after the manifest: whoever reads one finds all of it.
  upload_text "daily/$HOST/manifests/$id.json" <"$work/manifest.json" || ok=false
  if ((${#wanted[@]} == 0)); then
    jq '{run, host, ok, finished, failed}' "$work/manifest.json" | upload_text "status/$HOST/latest.json" || ok=false
  fi
  find "$LOCAL" -type f -name '*.age' -mtime "+$((LOCAL_DAYS - 1))" -delete
  cat "$work/manifest.json"
  [ "$ok" = true ] || { fail "not saved: ${failed[*]:-the manifest}"; return 1; }
}

# save DATABASE CLASS RUN TAG: dump, encrypt, keep here, send. Appends what the manifest says of it.
save() {
  local database=$1 class=$2 id=$3 tag=$4 began key file extension rows seconds size code=0
  began=$(now_ms)
  extension=$(extension_of "$database")
  key="daily/$HOST/$database/$id.$extension.zst.age"
  file="$LOCAL/$database/$id.$extension.zst.age"
  install -d -m 0700 "$LOCAL/$database"
  rm -f "$work/rows.json"
  # A subshell of its own: `set -e` does not hold in the condition of an `if`.
  set +e
  (set -euo pipefail; dump "$database" "$work/rows.json" | seal >"$file.part") 2>"$work/dump.log"
  code=$?
  set -e
  if ((code != 0)) || ! [ -s "$work/rows.json" ]; then
    rm -f "$file.part"
    fail "dump of $database: $(tail -n 2 "$work/dump.log" | tr '\n' ' ' | cut -c1-400)"
    return 1
  fi
  mv "$file.part" "$file"
  upload "$file" "$key" || return 1
  local month
  month=$(date -u +%Y-%m)
  if [ "$class" = archive ] && [ "$tag" = daily ] && ! [ -e "$state/archived/$database-$month" ]; then
    upload "$file" "archive/$HOST/$database/$id.$extension.zst.age" || return 1
    install -d "$state/archived"
    : >"$state/archived/$database-$month"
  fi
  size=$(stat -c %s "$file")
  rows=$(cat "$work/rows.json")
  jq -cn --arg database "$database" --arg key "$key" --arg sha256 "$(sha256sum "$file" | cut -d' ' -f1)" \
    --argjson bytes "$size" --argjson rows "$rows" --argjson durationMs "$(($(now_ms) - began))" \
    '{database: $database, key: $key, sha256: $sha256, bytes: $bytes, rows: $rows, durationMs: $durationMs}' \
    >>"$work/objects.jsonl"
  seconds=$(awk -v ms="$(($(now_ms) - began))" 'BEGIN { printf "%.1f", ms / 1000 }')
  say "$database  $(numfmt --to=iec "$size")  $seconds s"
}
