# Settings and functions of the agent. Sourced by estate-backup and by each of its steps. `etc`, `lib`, `state`: its directories.

# Without this a function in $(...) goes on after a command in it has failed.
shopt -s inherit_errexit

# ENGINE, HOST, BUCKET_URL, KEPT (what its keys begin with), DATABASES (name:class ...), LOCAL, LOCAL_DAYS, PORT; TRIES, PAUSE (seconds),
# PART (bytes); DUMP_SECONDS, COPY_SECONDS; PROOF (yes, no), PROOF_DIR, PROOF_SECONDS, PROOF_BYTES, PROOF_MEMORY (bytes). Of queues also
# QUEUES (name/prefix ...), SAVE_SECONDS, PROOF_REST (seconds)
source "$etc/agent.conf"
source "$lib/bounds.sh"
source "$lib/common.sh"
source "$lib/errors.sh"
source "$lib/$ENGINE.sh"
source "$lib/run.sh"
source "$lib/recovery.sh"
source "$lib/archive.sh"
source "$lib/proof.sh"
