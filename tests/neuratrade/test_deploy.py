"""Docker, compose, systemd and pre-commit files say what the code says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django.fixtures import Settings

from neuratrade.supervise import processes

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = {"prepare", "postgres"}


@pytest.fixture
def services() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return dict(content["services"])


def test_compose_runs_the_process_table(services: dict[str, Any], settings: Settings) -> None:
    settings.WITH_FLOWER = True
    table = {process.name for process in processes.table()}

    assert set(services) - SUPPORT == table
    for name in table - {"redis"}:
        assert services[name]["command"] == ["neuratrade", "run", name]


def test_optional_services_hide_behind_profiles(services: dict[str, Any]) -> None:
    profiles = {
        name: service.get("profiles") for name, service in services.items() if service.get("profiles")
    }

    assert profiles == {"flower": ["flower"], "postgres": ["postgres"]}


def test_secrets_reach_their_process_only(services: dict[str, Any]) -> None:
    for secret, owners in processes.SECRETS.items():
        given = {name for name, service in services.items() if secret in (service.get("environment") or {})}
        assert given == owners, secret


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_redis_keeps_what_it_is_given(services: dict[str, Any]) -> None:
    command = " ".join(services["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_settings_of_compose_exist() -> None:
    known = set(re.findall(r"(?:NEURATRADE|DATABASE|REDIS)_[A-Z_]+", _python_sources()))
    named = set(
        re.findall(
            r"^\s+((?:NEURATRADE|DATABASE|REDIS)_[A-Z_]+):", (ROOT / "docker-compose.yml").read_text(), re.M
        )
    )

    assert named
    assert named <= known


def test_every_setting_is_documented() -> None:
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "neuratrade" / "settings.py").read_text())
    documented = (ROOT / "docs" / "settings.md").read_text()

    assert len(read) > 20
    assert [name for name in read if f"`{name}`" not in documented] == []


def test_the_systemd_unit_calls_commands_that_exist() -> None:
    unit = (ROOT / "deploy" / "neuratrade.service").read_text()

    assert set(re.findall(r"bin/neuratrade (\w+)", unit)) == {"prepare", "up", "down"}


def test_pre_commit_uses_the_projects_own_tools() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]

    assert all(entry.startswith(".venv/bin/") for entry in entries)


def _python_sources() -> str:
    packages = ("neuratrade", "trading", "agents", "quests")
    return "\n".join(file.read_text() for package in packages for file in (ROOT / package).rglob("*.py"))
