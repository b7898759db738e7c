"""The desk in one line: mode, trading state, address."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from neuratrade.supervise.home import DEMO_FILE
from trading.models import DeskState
from trading.services import freezing
from trading.types import TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`trading_state` is the most careful one of all operators; empty before the first start.

    `notices` say what keeps the desk from trading and how to go on, a line each.
    """

    mode: str
    trading_state: str
    address: str
    home: str
    is_demo: bool
    notices: tuple[str, ...]

    @property
    def headline(self) -> str:
        place = "demo, " if self.is_demo else ""
        state = f", {self.trading_state}" if self.trading_state else ""
        return f"NeuraTrade ({place}{self.mode}{state})  {self.address}"


def read() -> Summary:
    """The desk of this home as the database knows it; the address is the running desk's, else the configured one."""
    states = set(DeskState.objects.filter(mode=settings.MODE).values_list("state", flat=True))
    careful = next((state for state in ("halted", "reducing", "active") if state in states), "")
    is_demo = (settings.HOME / DEMO_FILE).exists()
    try:
        address = _address_file().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        address = configured_address()
    return Summary(
        mode=settings.MODE,
        trading_state=careful,
        address=address,
        home=str(settings.HOME),
        is_demo=is_demo,
        notices=(*_stops(is_demo=is_demo), *_freezes()),
    )


def _stops(*, is_demo: bool) -> Iterator[str]:
    fresh = ", `make demo FRESH=1` starts a new demo" if is_demo else ""
    for state in DeskState.objects.filter(mode=settings.MODE).exclude(state=TradingState.ACTIVE):
        cause = state.cause or "no cause given"
        yield f"The desk is {state.state} ({cause}): `neuratrade resume` lets it trade again{fresh}."


def _freezes() -> Iterator[str]:
    for account in freezing.frozen():
        yield f"{account} takes no new entry ({account.frozen_reason}): look at the venue, then `neuratrade release {account}`."


def configured_address() -> str:
    host = f"[{settings.WEB_HOST}]" if ":" in settings.WEB_HOST else settings.WEB_HOST
    return f"http://{host}:{settings.WEB_PORT}"


def remember_address() -> None:
    """Notes where the desk serves, for commands in terminals that have another NEURATRADE_PORT."""
    _address_file().write_text(f"{configured_address()}\n", encoding="utf-8")


def _address_file() -> Path:
    return Path(settings.RUN_DIR) / "address"
