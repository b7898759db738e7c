"""The desk in one line: mode, trading state, address."""

from dataclasses import dataclass

from django.conf import settings

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
    """The desk of this home as the database knows it."""
    states = set(DeskState.objects.filter(mode=settings.MODE).values_list("state", flat=True))
    careful = next((state for state in ("halted", "reducing", "active") if state in states), "")
    host = f"[{settings.WEB_HOST}]" if ":" in settings.WEB_HOST else settings.WEB_HOST
    return Summary(
        mode=settings.MODE,
        trading_state=careful,
        address=f"http://{host}:{settings.WEB_PORT}",
        home=str(settings.HOME),
        is_demo=(settings.HOME / "demo.json").exists(),
    )
