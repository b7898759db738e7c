"""How every process is: supervisord's view joined with the process's own sign of life and its last error."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from neuratrade.supervise import control, herald
from neuratrade.supervise.processes import Process
from trading.models import Heartbeat

SILENT_AFTER = timedelta(seconds=15)
ERROR_SHOWN_FOR = timedelta(minutes=10)
_TAIL_BYTES = 16_384
_LOGGED = re.compile(r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)[^ ]* ?(?:ERROR|CRITICAL)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One row of `neuratrade status`. `doing` is the process's own line, or its purpose when it gives none."""

    name: str
    state: str
    pid: int | None
    age_s: int
    restarts: int
    doing: str
    last_error: str

    @property
    def is_running(self) -> bool:
        return self.state in {"running", "starting"}


def read(table: Sequence[Process], *, home: Path, at: datetime) -> list[ProcessStatus]:
    """A row per process of the running desk, in start order; raises NotRunningError when none runs."""
    infos = {info.name: info for info in control.processes(home)}
    restarts = herald.read_restarts(home)
    beats = {beat.process: beat for beat in Heartbeat.objects.all()}
    purposes = {process.name: process.purpose for process in table}
    ordered = [*purposes, *(name for name in infos if name not in purposes)]
    return [
        ProcessStatus(
            name=name,
            state=infos[name].state,
            pid=infos[name].pid or None,
            age_s=infos[name].age_s,
            restarts=restarts.get(name, 0),
            doing=_doing(infos[name], beats=beats, purpose=purposes.get(name, ""), at=at),
            last_error=last_error(home / "logs" / f"{name}.log", at=at),
        )
        for name in ordered
        if name in infos
    ]


def _doing(info: control.ProcessInfo, *, beats: Mapping[str, Heartbeat], purpose: str, at: datetime) -> str:
    if not info.pid:
        return info.note or purpose
    beat = beats.get(info.name)
    if beat is None or beat.pid != info.pid:
        return purpose
    silent = at - beat.beat_at
    if silent > SILENT_AFTER:
        return f"no sign of life for {silent.total_seconds():.0f} s; was: {beat.doing}"
    return beat.doing or purpose


def last_error(log_file: Path, *, at: datetime) -> str:
    """The newest line of level error or worse of the last ten minutes; empty when there is none."""
    try:
        with log_file.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        found = _LOGGED.match(line)
        if found:
            logged_at = datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC)
            return line if at - logged_at < ERROR_SHOWN_FOR else ""
    return ""
