# Shared by the engines' scripts: a configuration file is put in place with its predecessor kept, and taken back when
# the engine does not start with it.

# put FILE OWNER MODE <content on standard input>
put() {
  [ ! -e "$1" ] || cp -p "$1" "$1.previous"
  install -m "$3" -o "${2%:*}" -g "${2#*:}" /dev/stdin "$1.new"
  mv "$1.new" "$1"
}

# take_back FILE: the file as it was before put
take_back() {
  if [ -e "$1.previous" ]; then mv "$1.previous" "$1"; else rm -f "$1"; fi
}

# The engine reads its configuration at its start: what it started with is noted beside the certificate.
started_with() { [ "$(cat "$STAMP" 2>/dev/null)" = "$1" ]; }
note_start() { echo "$1" >"$STAMP"; }

# without_hashes <text: a log may quote a line that a password's hash or verifier stands in
without_hashes() { sed -E 's/SCRAM-SHA-256\$[^[:space:]]*/.../g; s/[0-9A-Fa-f]{40,}/.../g'; }

# restart UNIT FILE...: on failure the files are taken back, the engine started as it was, and the reason shown
restart() {
  local unit=$1 file started
  shift
  started=$(date +%s)
  if systemctl restart "$unit" >&2; then return 0; fi
  echo "$unit does not start with the new configuration; the former one is back. The reason:" >&2
  journalctl --no-pager --output cat --since "@$started" --lines 15 --unit "$unit" | without_hashes >&2 || true
  for file in "$@"; do take_back "$file"; done
  systemctl restart "$unit" >&2 || true
  exit 1
}
