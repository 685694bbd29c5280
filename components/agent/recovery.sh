# Point-in-time recovery: physical copies, and every log of changes since.

base() {
  logs_changes || { say "$HOST keeps no log of changes: its databases are recovered from their dumps"; return 0; }
  local id
  id=$(date -u +%Y%m%dT%H%M%SZ)
  ship_log
  say "physical copy $id"
  # A copy that breaks off must not look like one: its name tells that it is whole only when the mark follows it.
  if ! (set -euo pipefail; physical_copy 2>"$state/base.log" | seal | upload_stream "recovery/$HOST/base/$(epoch)/$id.$copy_extension.zst.age"); then
    fail "physical copy: $(tail -n 2 "$state/base.log" | tr '\n' ' ' | cut -c1-400)"
    return 1
  fi
  ship_log
  date -u +%Y-%m-%dT%H:%M:%SZ | upload_text "recovery/$HOST/base/$(epoch)/$id.whole"
  say "physical copy $id sent"
}

# Sends each closed log once, in order: a gap would end every recovery that wants to pass it.
ship_log() {
  logs_changes || return 0
  local epoch path name sent=0 file="$state/log.zst.age"
  epoch=$(epoch)
  install -d -m 0700 "$state/sent/$epoch"
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
  done < <(closed_logs)
  # What was sent long ago is no longer on the server either.
  find "$state/sent" -type f -mtime +60 -delete
  ((sent == 0)) || say "$sent of the log's files sent"
}
