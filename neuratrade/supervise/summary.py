"""The desk in one line: mode, trading state, address."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from neuratrade.supervise.home import DEMO_FILE
from trading.models import DeskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`trading_state` is the most careful one of all operators; empty before the first start."""

    mode: str
    trading_state: str
    address: str
    home: str
    is_demo: bool

    @property
    def headline(self) -> str:
        place = "demo, " if self.is_demo else ""
        state = f", {self.trading_state}" if self.trading_state else ""
        return f"NeuraTrade ({place}{self.mode}{state})  {self.address}"


def read() -> Summary:
    """The desk of this home as the database knows it; the address is the running desk's, else the configured one."""
    states = set(DeskState.objects.filter(mode=settings.MODE).values_list("state", flat=True))
    careful = next((state for state in ("halted", "reducing", "active") if state in states), "")
    try:
        address = _address_file().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        address = configured_address()
    return Summary(
        mode=settings.MODE,
        trading_state=careful,
        address=address,
        home=str(settings.HOME),
        is_demo=(settings.HOME / DEMO_FILE).exists(),
    )


def configured_address() -> str:
    host = f"[{settings.WEB_HOST}]" if ":" in settings.WEB_HOST else settings.WEB_HOST
    return f"http://{host}:{settings.WEB_PORT}"


def remember_address() -> None:
    """Notes where the desk serves, for commands in terminals that have another NEURATRADE_PORT."""
    _address_file().write_text(f"{configured_address()}\n", encoding="utf-8")


def _address_file() -> Path:
    return Path(settings.RUN_DIR) / "address"
