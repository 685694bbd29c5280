# The archive: of each month that is over the newest dump that was proven by loading it, or the newest at all where none was. Sent
# from the copy that is kept here, so it is the very bytes that were proven.

# A step of its own.
archive_months() {
  local entry database object months month
  for entry in $DATABASES; do
    [ "${entry##*:}" = archive ] || continue
    database=${entry%%:*}
    [ -d "$LOCAL/$database" ] || continue
    months=$(find "$LOCAL/$database" -maxdepth 1 -name '*.json' -printf '%f\n' | cut -c1-6 | sort -u)
    for month in $months; do
      [[ $month < $(date -u +%Y%m) ]] || continue
      [ ! -e "$state/archived/$database-$month" ] || continue
      object=$(month_object "$database" "$month")
      [ -n "$object" ] || continue
      archive_one "$database" "$month" "$object"
      install -d -m 0700 "$state/archived"
      : >"$state/archived/$database-$month"
    done
  done
}

# month_object DATABASE MONTH: path of what the manifest said of the dump to keep; nothing where its copy is gone.
month_object() {
  local database=$1 month=$2 object newest=
  while IFS= read -r object; do
    [ -e "${object%.json}.$(extension_of "$database").zst.age" ] || continue
    newest=${newest:-$object}
    if jq -e '.proof.ok == true' "$object" >/dev/null; then
      printf '%s\n' "$object"
      return
    fi
  done <<<"$(find "$LOCAL/$database" -maxdepth 1 -name "$month*.json" | sort -r)"
  printf '%s\n' "$newest"
}

archive_one() {
  local database=$1 month=$2 object=$3 file id sha256 key index parts=1
  id=$(basename "$object" .json)
  file="${object%.json}.$(extension_of "$database").zst.age"
  sha256=$(sum_of "$file")
  [ "$sha256" = "$(jq -r .sha256 "$object")" ] || fail "archive of $database: the copy of run $id is not what was saved. To have another one archived: rm $file"
  # With its own sum in its name: sent twice it is the same object.
  key="archive/$HOST/$database/$id.$sha256.$(extension_of "$database").zst.age"
  if (($(stat -c %s "$file") > PART)); then
    upload_parts "$file" "$key" "$work/parts.jsonl"
    parts=$(wc -l <"$work/parts.jsonl")
  else
    upload "$file" "$key"
  fi
  index="$work/archive.json"
  jq -c --arg key "$key" --arg run "$id" --arg host "$HOST" --arg engine "$ENGINE" --argjson parts "$parts" \
    '{run: $run, host: $host, engine: $engine, object: (. + {key: $key} + if $parts > 1 then {parts: $parts} else {} end)}' "$object" >"$index"
  upload "$index" "archive-index/$HOST/$database/$month.$(sum_of "$index").json"
  say "$database: $month is in the archive, run $id"
}
