# Point-in-time recovery: physical copies, and every log of changes since.

base() {
  logs_changes || { say "$HOST keeps no log of changes: its databases are recovered from their dumps"; return 0; }
  local id key
  id=$(date -u +%Y%m%dT%H%M%SZ)
  key="recovery/$HOST/base/$(epoch)/$id"
  ship_log
  say "physical copy $id"
  if ! (set -euo pipefail; physical_copy 2>"$state/base.log" | seal | upload_stream "$key.$copy_extension.zst.age" "$state/parts.jsonl"); then
    fail "physical copy: $(grep -v '^$' "$state/base.log" | tail -n 2 | tr '\n' ' ' | cut -c1-400)"
    return 1
  fi
  ship_log
  # A copy that broke off has no manifest, and so is none.
  jq -s --arg finished "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --arg server "$(server_version)" \
    '{finished: $finished, server: $server, parts: .}' "$state/parts.jsonl" | upload_text "$key.json"
  say "physical copy $id sent, $(jq -s 'map(.bytes) | add' "$state/parts.jsonl" | numfmt --to=iec)"
}

# Sends each closed log once, in order: a gap would end every recovery that wants to pass it.
ship_log() {
  logs_changes || return 0
  local epoch path name sent=0 file="$state/log.zst.age"
  epoch=$(epoch)
  install -d -m 0700 "$state/sent/$epoch"
  if ! (set -euo pipefail; closed_logs) >"$state/logs.txt" 2>"$state/logs.err"; then
    fail "log of changes: $(tail -n 2 "$state/logs.err" | tr '\n' ' ')"
    return 1
  fi
  while read -r path; do
    name=${path##*/}
    if [ ! -e "$state/sent/$epoch/$name" ]; then
      seal <"$path" >"$file"
      upload "$file" "recovery/$HOST/log/$epoch/$name.zst.age" || { rm -f "$file"; return 1; }
      rm -f "$file"
      : >"$state/sent/$epoch/$name"
      sent=$((sent + 1))
    fi
    forget_log "$path"
  done <"$state/logs.txt"
  # What was sent long ago is no longer on the server either.
  find "$state/sent" -type f -mtime +60 -delete
  # Old news here are changes that would be lost with the host.
  jq -n --arg host "$HOST" --arg epoch "$epoch" --arg finished "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    --arg last "$(grep -v '\.backup$' "$state/logs.txt" | tail -n 1 | sed 's|.*/||')" \
    '{host: $host, epoch: $epoch, finished: $finished, last: $last}' | upload_text "status/$HOST/log.json"
  ((sent == 0)) || say "$sent of the log's files sent"
}
