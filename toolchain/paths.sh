# Sourced by `install` and `env`: where the toolchain lives and whether the official one is there already.
# Shellcheck: each is for who sources this.
# shellcheck disable=SC2034
pulumi_version=3.230.0
node_version=20
go_version=1.25
cache=${ESTATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/database-estate}
home=$cache/pulumi
bin=$home/bin

# Is version $1 at least $2? Both as 1.2.3, a leading v is fine.
at_least() {
  [ "$(printf '%s\n%s\n' "${1#v}" "$2" | sort -V | head -n 1)" = "$2" ]
}

# Prints the directory of an official CLI with its Node language host: the one on PATH, or where its installer puts it.
official_bin() {
  local found version candidate
  for candidate in "$(command -v pulumi || true)" "$HOME/.pulumi/bin/pulumi"; do
    [ -x "$candidate" ] || continue
    found=$(dirname "$(readlink -f "$candidate")")
    [ "$found" != "$(readlink -m "$bin")" ] || continue
    [ -x "$found/pulumi-language-nodejs" ] || continue
    version=$("$candidate" version 2>/dev/null) || continue
    if at_least "$version" "$pulumi_version"; then
      dirname "$candidate"
      return
    fi
  done
  return 1
}

# Prints the path of a Go that can build the CLI.
find_go() {
  local candidate version
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go; do
    [ -x "$candidate" ] || continue
    # Outside of any module, which might ask for a Go of its own.
    version=$(cd / && "$candidate" env GOVERSION) || continue
    at_least "${version#go}" "$go_version" || continue
    printf '%s\n' "$candidate"
    return
  done
  return 1
}
