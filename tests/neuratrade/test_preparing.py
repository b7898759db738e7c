import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django_celery_beat.models import PeriodicTask
from pytest_django.fixtures import Settings

from neuratrade import preparing
from tests.factories import AT
from trading.models import Operator
from trading.services import keys


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.HOME, settings.KEYS_DIR = tmp_path / "home", tmp_path / "home" / "keys"
    settings.RUN_DIR, settings.LOG_DIR = settings.HOME / "run", settings.HOME / "logs"
    return settings.HOME


@pytest.mark.django_db
@pytest.mark.postgres
def test_prepare_makes_a_home_and_repeating_it_changes_nothing(home: Path) -> None:
    said: list[str] = []
    preparing.prepare(at=AT, say=said.append)
    signing_key = keys.signing_key().private_bytes_raw()
    password = (home / "admin_password").read_text().strip()
    tasks = set(PeriodicTask.objects.values_list("name", "task", "enabled"))

    preparing.prepare(at=AT, say=said.append)

    assert Operator.objects.count() == get_user_model().objects.count() == 1
    assert keys.signing_key().private_bytes_raw() == signing_key
    assert set(PeriodicTask.objects.values_list("name", "task", "enabled")) == tasks
    assert tasks
    assert len(said) == 1  # the password is said once
    assert password in said[0]
    assert authenticate(username="admin", password=password)


@pytest.mark.django_db
def test_only_the_owner_may_enter(home: Path) -> None:
    home.mkdir(mode=0o755)
    preparing.prepare(at=AT, say=lambda _line: None)

    for folder in (home, home / "keys", home / "run", home / "logs", home / "redis"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for file in (home / "admin_password", home / "keys" / keys.SIGNING_KEY):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
