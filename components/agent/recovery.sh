# Point-in-time recovery: physical copies, and every log of changes since.

base() {
  server_has_room "physical copy"
  logs_changes || { say "$HOST keeps no log of changes: its databases are recovered from their dumps"; return 0; }
  local id key code=0
  id=$(new_id)
  key="recovery/$HOST/base/$(checked_epoch)/$id"
  ship_log
  say "physical copy $id"
  rm -f "$work/verified.json"
  step "$COPY_SECONDS" copy_to "$key.$copy_extension.zst.age" 2>"$work/base.log" || code=$?
  ((code == 0)) || fail "physical copy: $(words_of "$code" "$work/base.log")"
  ship_log
  [ -s "$work/verified.json" ] || echo null >"$work/verified.json"
  # A copy that broke off has no manifest, and so is none.
  jq -s --arg finished "$(now_iso)" --arg server "$(server_version)" --slurpfile verified "$work/verified.json" \
    '{finished: $finished, server: $server, parts: .} + if $verified[0] == null then {} else {verified: $verified[0]} end' \
    "$work/parts.jsonl" >"$work/base.json"
  upload "$work/base.json" "$key.json"
  say "physical copy $id sent, $(jq -s 'map(.bytes) | add' "$work/parts.jsonl" | numfmt --to=iec)"
}

# copy_to KEY: sealed, sent in parts and, where the engine can, verified on its way. A step of its own.
copy_to() {
  local key=$1 verifier
  if ! declare -F verify_copy >/dev/null || [ "$PROOF" != yes ]; then
    physical_copy | seal | upload_stream "$key" "$work/parts.jsonl"
    return
  fi
  proof_asks
  mkfifo "$work/copy.in"
  within_limits copy verify_copy <"$work/copy.in" >&2 &
  verifier=$!
  physical_copy | tee --output-error=warn-nopipe "$work/copy.in" | seal | upload_stream "$key" "$work/parts.jsonl"
  if wait "$verifier"; then verdict true '' >"$work/verified.json"; else verdict false "$(cat "$work/proof.words")" >"$work/verified.json"; fi
}

# Of a key; whatever the server says.
checked_epoch() {
  local found
  found=$(epoch)
  [[ $found =~ ^([0-9]{8}T[0-9]{6}Z|[0-9]{10,20})$ ]] || fail "the server's life has no plain name"
  printf '%s\n' "$found"
}

readonly log_names='^([A-Za-z][A-Za-z0-9_-]*\.[0-9]{6,}|[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)$'

# sealed_log PATH DIRECTORY: seals a file of the log into DIRECTORY and prints its path there, NAME.SHA256.zst.age. What was sealed and
# is not known to be sent goes again as it is, under the same name.
sealed_log() {
  local path=$1 sending=$2 name=${1##*/} file
  for file in "$sending/$name".*.zst.age; do
    if [ -e "$file" ] && [ "$file" = "$sending/$name.$(sum_of "$file").zst.age" ]; then
      printf '%s\n' "$file"
      return
    fi
  done
  seal <"$path" >"$sending/$name.part"
  file="$sending/$name.$(sum_of "$sending/$name.part").zst.age"
  mv "$sending/$name.part" "$file"
  printf '%s\n' "$file"
}

# Sends each closed log once, in order: a gap would end every recovery that wants to pass it. Its name in the bucket carries the sum
# of what was sent: a list of names is all that is needed to know whether the log is whole.
ship_log() {
  server_has_room "log of changes"
  logs_changes || return 0
  local epoch path name sent=0 code=0 sending file id
  epoch=$(checked_epoch)
  sending="$state/sending/$epoch"
  install -d -m 0700 "$state/sent/$epoch" "$sending"
  step 600 closed_logs >"$work/logs.txt" 2>"$work/logs.err" || code=$?
  ((code == 0)) || fail "log of changes: $(words_of "$code" "$work/logs.err")"
  while IFS= read -r path; do
    name=${path##*/}
    [[ $name =~ $log_names ]] || fail "a file of the log has a name that is none: ${name@Q}"
    if [ ! -e "$state/sent/$epoch/$name" ]; then
      file=$(sealed_log "$path" "$sending")
      upload "$file" "recovery/$HOST/log/$epoch/${file##*/}"
      : >"$state/sent/$epoch/$name"
      rm -f "$file"
      sent=$((sent + 1))
    fi
    forget_log "$path"
  done <"$work/logs.txt"
  # What was sent long ago is no longer on the server either.
  find "$state/sent" -type f -mtime +60 -delete
  # Old news here are changes that would be lost with the host.
  id=$(new_id)
  jq -n --arg host "$HOST" --arg epoch "$epoch" --arg finished "$(now_iso)" \
    --arg last "$(grep -v '\.backup$' "$work/logs.txt" | tail -n 1 | sed 's|.*/||')" \
    '{host: $host, epoch: $epoch, finished: $finished, last: $last}' >"$work/status.json"
  upload "$work/status.json" "status/$HOST/log/$id.json"
  ((sent == 0)) || say "$sent of the log's files sent"
}
