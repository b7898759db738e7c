"""Writes the process table down as supervisord's configuration. It holds no secret: those stay in the environment."""

import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings

from neuratrade.supervise.home import SUPERVISOR_SOCKET
from neuratrade.supervise.processes import SECRETS, Process

HERALD, GROUP = "herald", "desk"
# Dying sooner than this counts as a failed start, and the next start waits one second longer each time.
HEALTHY_AFTER_S = 5
MOST_RETRIES = 100_000
LOG_BYTES, LOG_BACKUPS = 5_000_000, 3


def supervisord_config(processes: Iterable[Process], *, home: Path) -> str:
    """The whole file. Programs do not start by themselves: `control.start` brings them up stage by stage."""
    table = list(processes)
    # One group: on a shutdown supervisord takes a second per group.
    group = _section(f"group:{GROUP}", programs=",".join(process.name for process in table))
    programs = [_program(process, home=home) for process in table]
    return "\n".join((_supervisor(home), _herald(home), group, *programs))


def _supervisor(home: Path) -> str:
    socket = home / SUPERVISOR_SOCKET
    return (
        _section("unix_http_server", file=str(socket), chmod="0600")
        + "\n"
        + _section(
            "rpcinterface:supervisor",
            **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        )
        + "\n"
        + _section(
            "supervisord",
            logfile=str(home / "logs" / "supervisor.log"),
            logfile_maxbytes=str(LOG_BYTES),
            logfile_backups=str(LOG_BACKUPS),
            loglevel="info",
            pidfile=str(home / "run" / "supervisor.pid"),
            childlogdir=str(home / "logs"),
            nodaemon="true",
            silent="true",
            umask="077",
        )
    )


def _herald(home: Path) -> str:
    return _section(
        f"eventlistener:{HERALD}",
        command=shlex.join((sys.executable, "-m", "neuratrade.supervise.herald")),
        directory=str(settings.BASE_DIR),
        events="PROCESS_STATE_STARTING,PROCESS_STATE_EXITED,PROCESS_STATE_FATAL",
        buffer_size="100",
        autorestart="true",
        startretries=str(MOST_RETRIES),
        stopwaitsecs="5",
        stdout_logfile="NONE",
        stderr_logfile=str(home / "logs" / f"{HERALD}.log"),
        stderr_logfile_maxbytes=str(LOG_BYTES),
        stderr_logfile_backups=str(LOG_BACKUPS),
        environment=_environment({variable: "" for name in SECRETS for variable in (name, f"{name}_FILE")}),
    )


def _program(process: Process, *, home: Path) -> str:
    return _section(
        f"program:{process.name}",
        command=shlex.join(process.command),
        directory=str(settings.BASE_DIR),
        autostart="false",
        autorestart="true",
        startsecs=str(HEALTHY_AFTER_S),
        startretries=str(MOST_RETRIES),
        stopwaitsecs=str(process.stop_s),
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=str(home / "logs" / f"{process.name}.log"),
        stdout_logfile_maxbytes=str(LOG_BYTES),
        stdout_logfile_backups=str(LOG_BACKUPS),
        environment=_environment({**process.blanked_secrets, **process.environment}),
    )


def _environment(variables: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(variables.items()))


def _section(section: str, **options: str) -> str:
    """One section; a percent sign is supervisord's own, so it is doubled."""
    lines = [f"{name} = {value.replace('%', '%%')}" for name, value in options.items() if value]
    return "\n".join((f"[{section}]", *lines, ""))
