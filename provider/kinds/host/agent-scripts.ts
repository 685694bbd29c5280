/** What runs on a host, in bash with `-euo pipefail` and as root. In code and not in files: the provider is one bundle. */

/**
 * How the files and timers stand. One fact a line: `file PATH MODE OWNER SHA256 CONTENT` (content in base64; `-` for a
 * file that is in SECRET), `timer UNIT STATE`. Needs: PATHS, SECRET, TIMERS (words).
 */
export const READ_AGENT = String.raw`
for path in $PATHS; do
  [ -f "$path" ] || continue
  content=-
  case " $SECRET " in *" $path "*) ;; *) content=$(base64 -w0 <"$path") ;; esac
  printf 'file %s %s %s %s\n' "$path" "$(stat -c '%a %U' "$path")" "$(sha256sum <"$path" | cut -d' ' -f1)" "$content"
done
for unit in $TIMERS; do
  printf 'timer %s %s %s\n' "$unit" "$(systemctl is-enabled "$unit" 2>/dev/null || true)" "$(systemctl is-active "$unit" || true)"
done
`;

/**
 * Packages that are missing (apt's words are shown when it fails), and the users that clients of the databases run as: estate-backup reads
 * for a dump, estate-restore loads, estate-proof has the throw-away engine. None of them is anybody to the machine. Needs: PACKAGES.
 */
export const INSTALL_AGENT = String.raw`
export DEBIAN_FRONTEND=noninteractive
missing=
for package in $PACKAGES; do
  dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=" $package"
done
if [ -n "$missing" ]; then
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { apt-get -qq -o DPkg::Lock::Timeout=300 update && apt-get -qq -y -o DPkg::Lock::Timeout=300 install \
    --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    echo "packages$missing could not be installed" >&2
    exit 1
  fi
  rm -f "$log"
fi
for user in estate-backup estate-proof estate-restore; do
  getent passwd "$user" >/dev/null ||
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
  IFS=: read -r _ _ id _ _ home shell <<<"$(getent passwd "$user")"
  if [ "$id" -eq 0 ] || [ "$home" != /nonexistent ] || [ "$shell" != /usr/sbin/nologin ]; then
    echo "the user $user is not the agent's own: it has uid $id, home $home, shell $shell. Rename or delete it" >&2
    exit 1
  fi
  others=$(id -nG "$user")
  [ "$others" = "$user" ] || { echo "the user $user is in other groups than its own: $others" >&2; exit 1; }
done
`;

/** One file, renamed into place. Needs: FILE, MODE, OWNER, CONTENT (base64). */
export const PUT_FILE = `
install -d -m 0755 "$(dirname "$FILE")"
base64 -d <<<"$CONTENT" | install -m "$MODE" -o "$OWNER" -g "$OWNER" /dev/stdin "$FILE.new"
mv "$FILE.new" "$FILE"
`;

/** Needs: TIMERS (words). */
export const START_TIMERS = `
systemctl daemon-reload
for unit in $TIMERS; do systemctl enable --quiet "$unit"; systemctl restart "$unit"; done
`;

/** Needs: TIMERS, PATHS (words). What was saved stays. */
export const REMOVE_AGENT = `
for unit in $TIMERS; do systemctl disable --quiet --now "$unit" 2>/dev/null || true; done
# shellcheck disable=SC2086
rm -f $PATHS
systemctl daemon-reload
`;
