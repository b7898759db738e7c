"""The process table, and what supervisord is told of it."""

import configparser
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands
from pytest_django.fixtures import Settings

from neuratrade.celery import QUEUES
from neuratrade.supervise import config, home, processes
from neuratrade.supervise.errors import SuperviseError


def test_every_queue_has_a_worker_of_its_own() -> None:
    workers = [process for process in processes.table() if process.name.startswith("worker-")]

    served = [process.command[process.command.index("--queues") + 1] for process in workers]
    assert sorted(served) == sorted(QUEUES)


def test_redis_comes_first_and_nothing_twice() -> None:
    table = processes.table()

    assert table[0].name == "redis"
    assert len({process.name for process in table}) == len(table)
    assert {"watch_market", "guard_risk", "execute_orders", "beat", "web"} <= {
        process.name for process in table
    }


def test_commands_of_the_table_exist() -> None:
    known = get_commands()
    named = [p.command[3] for p in processes.table() if p.command[1:3] == ("-m", "neuratrade")]

    assert named
    assert set(named) <= set(known)


def test_an_address_of_ones_own_means_no_redis_process(settings: Settings) -> None:
    settings.REDIS_URL = "redis://elsewhere:6379/0"

    assert "redis" not in {process.name for process in processes.table()}


def test_the_demo_and_flower_add_a_process_each(settings: Settings, tmp_path: Path) -> None:
    plain = {process.name for process in processes.table()}
    settings.HOME, settings.WITH_FLOWER = tmp_path, True
    home.write_demo(tmp_path, home.Demo(mode="paper", practice_arguments=("--seed", "7")))

    assert {process.name for process in processes.table()} - plain == {"practice", "flower"}
    assert processes.find("practice").command[1:] == ("-m", "trading.practice", "--seed", "7")


def test_only_the_process_that_needs_a_secret_sees_it() -> None:
    for process in processes.table():
        hidden = process.blanked_secrets
        for secret in processes.SECRETS:
            shows = secret not in hidden and f"{secret}_FILE" not in hidden
            assert shows == (process.name in processes.SECRETS[secret]), (process.name, secret)
    assert all(owners <= {p.name for p in processes.table()} for owners in processes.SECRETS.values())


def test_an_unknown_process_is_answered_with_the_known() -> None:
    with pytest.raises(SuperviseError, match="the desk has: redis, worker-critical"):
        processes.find("worker")


def test_supervisord_reads_what_we_mean(tmp_path: Path) -> None:
    table = processes.table()
    parser = configparser.RawConfigParser()
    parser.read_string(config.supervisord_config(table, home=tmp_path))

    assert parser["group:desk"]["programs"].split(",") == [process.name for process in table]
    assert parser["unix_http_server"]["chmod"] == "0600"
    for process in table:
        section = parser[f"program:{process.name}"]
        command = shlex.split(section["command"].replace("%%", "%"))
        assert tuple(command) == process.command
        assert section["autorestart"] == "true"
        assert section["killasgroup"] == "true"
        assert 'NEURATRADE_AI_API_KEY=""' in section["environment"] or process.name == "worker-high"
