"""Loaded before Django reads its settings: gives every test process a home of its own and closes the network."""

import atexit
import os
import shutil
import socket
import tempfile
from typing import Any

_home = tempfile.mkdtemp(prefix="nt-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for _name in [
    name for name in os.environ if name.startswith("NEURATRADE_") and not name.startswith("NEURATRADE_TEST_")
]:
    del os.environ[_name]
os.environ.pop("REDIS_URL", None)
os.environ["NEURATRADE_HOME"] = _home
os.environ["DATABASE_URL"] = os.environ.get("NEURATRADE_TEST_POSTGRES_URL", "")

_connect = socket.socket.connect
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def _connect_to_loopback_only(self: socket.socket, address: Any) -> Any:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
        raise AssertionError(f"a test tried to reach {address}; the network is closed except loopback")
    return _connect(self, address)


socket.socket.connect = _connect_to_loopback_only  # type: ignore[method-assign]
