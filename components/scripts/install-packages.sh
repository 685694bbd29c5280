# Installs PACKAGES where they are missing and refuses an engine older than MINIMUM_VERSION.
# Needs: PACKAGES, ADDED_PACKAGES (a command, may be empty), LOCALE, CLUSTER_OPTIONS (may be empty), MINIMUM_VERSION, VERSION_COMMAND, SERVER.
export DEBIAN_FRONTEND=noninteractive

# apt is talkative: its words are shown when it fails.
apt() {
  local log
  log=$(mktemp)
  if ! apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "$SERVER: apt-get $1 failed" >&2
    exit 1
  fi
  rm -f "$log"
}

missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || echo "$package"
  done
}

install_missing() {
  local packages
  mapfile -t packages < <(missing "$@")
  [ "${#packages[@]}" -eq 0 ] || apt install --no-install-recommends "${packages[@]}"
}

# A machine that is just starting may still be at work on its first packages.
if command -v cloud-init >/dev/null; then cloud-init status --wait >/dev/null || true; fi

# shellcheck disable=SC2086
if [ -n "$(missing $PACKAGES)" ]; then apt update; fi

# The locale comes before the engine: a PostgreSQL cluster is created when its package is installed.
if [ -n "$LOCALE" ] && ! locale -a 2>/dev/null | grep -qxi "$LOCALE"; then
  install_missing locales
  sed -i "s/^# *\(en_US.UTF-8 UTF-8\)$/\1/" /etc/locale.gen
  locale-gen >/dev/null
  locale -a | grep -qxi "$LOCALE" || { echo "$SERVER: locale $LOCALE could not be generated" >&2; exit 1; }
fi
if [ -n "$CLUSTER_OPTIONS" ]; then
  install_missing postgresql-common
  install -d -m 0755 /etc/postgresql-common/createcluster.d
  printf "initdb_options = '%s'\n" "$CLUSTER_OPTIONS" >/etc/postgresql-common/createcluster.d/estate.conf
fi

# shellcheck disable=SC2086
install_missing $PACKAGES

added=$(eval "$ADDED_PACKAGES")
if [ -n "$added" ] && [ -n "$(missing "$added")" ]; then
  apt update
  install_missing "$added"
fi

version=$(eval "$VERSION_COMMAND" | sed -nE 's/[^0-9]*([0-9]+(\.[0-9]+)+).*/\1/p;q')
if dpkg --compare-versions "${version:-0}" lt "$MINIMUM_VERSION"; then
  echo "$SERVER: the package source offers version ${version:-none}, and minimumVersion is $MINIMUM_VERSION." \
    "Use a newer Debian release or lower minimumVersion in the stack's configuration." >&2
  exit 1
fi
echo "$version"
