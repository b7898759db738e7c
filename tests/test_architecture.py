"""The shape of the tree is checked like any other promise: imports, foreign keys, plug-ins and docs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("neuratrade", "quests", "agents", "trading")
FLOW = {"quests": 3, "agents": 2, "trading": 1}

PLANTED = {
    "trading/services/ledger.py": ("import agents.models", "Imports follow the data flow"),
    "agents/loop.py": ("import agents.services.sessions", "agents: shell above core"),
    "trading/risk/sizing.py": ("import neuratrade.lib.clock", "Decisions are plain Python"),
    "trading/risk/verdict.py": ("import django", "Decisions are plain Python"),
    "trading/models/event.py": ("import trading.services.events", "trading: shell above core"),
    "quests/services/runs.py": ("import quests.tasks", "quests: shell above core"),
    "neuratrade/management/commands/status.py": (
        "import trading.venues.paper",
        "Only trading.services reaches a venue",
    ),
    "trading/services/gate.py": ("import trading.risk.rules.fat_finger", "Nobody imports a plug-in by name"),
    "trading/practice/options.py": ("import trading.types", "Practice venues share no code with the desk"),
    "trading/helpers.py": ("", "trading: shell above core"),
    "trading/strategies/mean_reversion.py": ("import django", "Decisions are plain Python"),
    "trading/strategies/scalping.py": ("import trading.backtest.kernel", "trading: shell above core"),
    "trading/services/strategies.py": (
        "import trading.strategies.mean_reversion",
        "Nobody imports a plug-in by name",
    ),
    "trading/backtest/metrics.py": ("import vectorbt", "Decisions are plain Python"),
    "neuratrade/reports/text.py": ("import vectorbt", "One file meets vectorbt, tests alone meet the judges"),
    "trading/accounting/taxes/lots.py": (
        "import rp2",
        "One file meets vectorbt, tests alone meet the judges",
    ),
}


def lint_imports(folder: Path) -> str:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as main; main()",
            "--no-cache",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return run.stdout + run.stderr


def test_planted_violations_are_all_caught(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, (line, _) in PLANTED.items():
        file = tmp_path / path
        assert file.exists() or not line, f"{path} is gone; plant the violation elsewhere"
        with file.open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")

    report = " ".join(lint_imports(tmp_path).split())

    for contract in {name for _, name in PLANTED.values()}:
        assert f"{contract} BROKEN" in report, report
    for path, (line, _) in PLANTED.items():
        importer = path.removesuffix(".py").replace("/", ".")
        expected = f"{importer} -> {line.removeprefix('import ')}" if line else importer
        assert expected in report, f"{expected} was not caught"


def test_foreign_keys_point_the_way_imports_go() -> None:
    for model in apps.get_models():
        rank = FLOW.get(model._meta.app_label)
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if rank is None or not field.concrete or target is None or target == "self":
                continue
            assert FLOW.get(target._meta.app_label, 0) <= rank, (
                f"{model.__name__}.{field.name} points up the flow"
            )


PLUGIN_FOLDERS = (
    "trading/risk/rules",
    "trading/indicators/providers",
    "trading/strategies",
    "agents/providers",
    "agents/tools",
    "quests/catalog",
    "quests/triggers",
    "neuratrade/checks",
)


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_every_plug_in_has_a_test_of_its_own_name(folder: str) -> None:
    names = [path.stem for path in (ROOT / folder).glob("*.py") if path.stem != "__init__"]
    assert names, f"{folder} holds no plug-in"
    places = ((ROOT / "tests" / folder).parent, ROOT / "tests" / "contracts")
    tests = [path for place in places for path in place.rglob("test_*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    missing = [name for name in names if name not in text and name.replace("_", "-") not in text]
    assert not missing, f"no test beside tests/{folder} mentions {', '.join(missing)}"


def test_every_setting_read_from_the_environment_is_documented() -> None:
    sources = [ROOT / "neuratrade/settings.py"]
    read = set(
        re.findall(r'env\.\w+\(\s*"(\w+)"', "\n".join(path.read_text(encoding="utf-8") for path in sources))
    )
    documented = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert read, "settings.py reads nothing; the pattern of this test is out of date"
    assert not sorted(name for name in read if f"`{name}`" not in documented)


def test_no_withdraw_or_transfer_call_exists() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "practice" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\.(withdraw|transfer)\w*\(", text), (
                f"{path} calls a withdrawal or transfer"
            )


DOCS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/decisions.md",
    "docs/operating.md",
    "docs/performance.md",
    "docs/research.md",
    "docs/taxes.md",
)


@pytest.mark.parametrize("name", DOCS)
def test_every_path_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:neuratrade|trading|agents|quests|skills|tests|docs|benchmarks|deploy)/[\w./-]+)`", text
    )
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [path for path in named if not (ROOT / path).exists()]
    missing += [link for link in linked if not ((ROOT / name).parent / link).exists()]
    assert not missing, f"{name} names {', '.join(missing)}"
