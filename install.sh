#!/usr/bin/env bash
# Installs NeuraTrade into .venv beside this file: locked packages, the `neuratrade` command, the database, a Redis server.
# Needs Python 3.11+ and nothing else: no compiler, no Docker. Safe to run again; the second run takes seconds.
#   ./install.sh              what the desk needs
#   ./install.sh --research   vectorbt as well, a second opinion on backtests (Apache-2.0 with Commons Clause, over half a gigabyte)
#   ./install.sh --dev        what its tests need, too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

lock=requirements.lock
prepare=yes
for argument in "$@"; do
  case "$argument" in
    --dev) lock=requirements-dev.lock ;;
    --research) lock=requirements-research.lock ;;
    --no-prepare) prepare=no ;;
    -h|--help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option $argument; ./install.sh --help shows the options" ;;
  esac
done

find_python() {
  for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

make_venv() {
  local python
  python=$(find_python) || die "Python 3.11 or newer is needed and was not found; install it, or name it: PYTHON=/path/to/python3.11 ./install.sh"
  say "Creating .venv with $("$python" --version)"
  "$python" -m venv --clear .venv >/dev/null 2>&1 ||
    die "$python cannot create a virtual environment; install its venv module (Debian, Ubuntu: apt install python3-venv)"
}

# The stamp holds the digests of what is installed, so nothing is installed twice. A larger lock holds every package of the
# smaller ones at the same version, so it serves for them too.
install_packages() {
  local covered=(requirements.lock) stamp=.venv/installed
  grep -qxF "$(digest_of "$lock")" "$stamp" 2>/dev/null && return
  [ "$lock" = requirements.lock ] || covered+=(requirements-research.lock)
  [ "$lock" != requirements-dev.lock ] || covered+=(requirements-dev.lock)
  say "Installing the packages of $lock (a minute or two)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all: -r "$lock" ||
    die "the packages could not be installed; check the network and read the lines above"
  for file in "${covered[@]}"; do digest_of "$file"; done >"$stamp"
}

digest_of() {
  .venv/bin/python -c 'import hashlib, sys; print(sys.argv[1], hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

install_command() {
  local root site
  root=$(pwd -P)
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$root" >"$site/neuratrade.pth"
  cat >.venv/bin/neuratrade.new <<LAUNCHER
#!/bin/sh
exec "$root/.venv/bin/python" -m neuratrade "\$@"
LAUNCHER
  chmod 755 .venv/bin/neuratrade.new
  mv .venv/bin/neuratrade.new .venv/bin/neuratrade
}

link_command() {
  local folder="$HOME/.local/bin" target
  target="$(pwd -P)/.venv/bin/neuratrade"
  [ -d "$folder" ] && [ -w "$folder" ] || return 0
  if [ ! -e "$folder/neuratrade" ] || [ -L "$folder/neuratrade" ]; then
    ln -sf "$target" "$folder/neuratrade"
  fi
}

check_redis() {
  [ -z "${REDIS_URL:-}" ] || return 0
  .venv/bin/python -m neuratrade.lib.redis_server >/dev/null 2>&1 && return
  say "No Redis server here; asking the system's package manager"
  if command -v brew >/dev/null; then brew install --quiet valkey
  elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then apt-get install -qq -y redis-server >/dev/null
  fi
  .venv/bin/python -m neuratrade.lib.redis_server ||
    die "a Redis server is needed: install redis or valkey with your package manager, or set REDIS_URL"
}

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then make_venv; fi
install_packages
install_command
check_redis
[ "$prepare" = yes ] || exit 0
link_command
.venv/bin/neuratrade prepare
say "Compiling the loops of backtests (once a version)"
.venv/bin/python -c 'from trading.backtest import warm; warm()'
case ":$PATH:" in
  *":$(pwd -P)/.venv/bin:"*) command=neuratrade ;;
  *) if [ "$(command -v neuratrade || true)" = "$HOME/.local/bin/neuratrade" ]; then command=neuratrade; else command=.venv/bin/neuratrade; fi ;;
esac
say "Installed. \`$command up\` starts the desk in paper mode, \`make demo\` shows it at work, \`$command help\` lists the rest."
