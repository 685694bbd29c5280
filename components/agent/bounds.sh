# Bounds for what reads text that a service or a host wrote. Root's jq, perl and awk take apart names, code and rows of others: one that is
# nested or large beyond measure ends that program, with one clear error, and not the machine. Sourced by the agent, and put before the
# steps of a restore. Whatever calls jq, perl or awk here is within them.

# Address space in bytes: a row of 1 GiB, the largest that is saved, has room twice over.
: "${PARSE_BYTES:=2684354560}"
# Of the processor, in seconds: for a text about a database; for all of its rows.
: "${PARSE_SECONDS:=600}" "${ROWS_SECONDS:=7200}"

# confined SECONDS COMMAND ARGUMENT...
confined() (
  have=$(ulimit -v)
  if [ "$have" = unlimited ] || ((have > PARSE_BYTES / 1024)); then ulimit -v $((PARSE_BYTES / 1024)); fi
  have=$(ulimit -t)
  if [ "$have" = unlimited ] || ((have > $1)); then ulimit -t "$1"; fi
  ulimit -c 0
  shift
  trap 'told_of_bounds "$?"' EXIT
  "$@"
)
told_of_bounds() {
  # SIGKILL, SIGSEGV, SIGXCPU; at the end of its memory each of them says so itself.
  case $1 in 137 | 139 | 152) tell "what was read here takes more memory or time than it may, and was given up" ;; esac
}
jq() { confined "$PARSE_SECONDS" command jq "$@"; }
awk() { confined "$PARSE_SECONDS" command awk "$@"; }
perl() { confined "$ROWS_SECONDS" command perl "$@"; }
