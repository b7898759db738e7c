"""A strategy's page is read strictly: a number edited is a number changed, and whatever is wrong is one line with file and row."""

from pathlib import Path

import pytest

from agents.skillbook import read_skill
from trading import playbook
from trading.errors import InvalidValueError

HEAD = "| parameter | value | from | to | unit | meaning |\n|---|---|---|---|---|---|\n"
ROW = "| `rsi_period` | 14 | 2 | 50 | bars | look-back |\n"
REST = "## Markets\n\nm\n\n## Regime\n\nr\n\n## Prerequisites\n\np\n\n## When not to use\n\nw\n"


def page(folder: Path, *, table: str = HEAD + ROW, rest: str = REST, timeframes: str = "1m 5m") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "SKILL.md").write_text(
        "---\nname: a-play\ndescription: Use it.\nmetadata:\n  engine: an-engine\n"
        f'  timeframes: "{timeframes}"\n---\n# A play\n\n## Parameters\n\n{table}\n{rest}',
        encoding="utf-8",
    )
    return folder


def test_a_page_becomes_parameters_texts_and_the_digest_that_trades_store(tmp_path: Path) -> None:
    folder = page(tmp_path / "a-play")

    play = playbook.read(folder)

    (parameter,) = play.parameters
    assert (parameter.name, parameter.value, parameter.low, parameter.high) == ("rsi_period", 14, 2, 50)
    assert parameter.is_whole
    assert (play.name, play.engine, play.timeframes) == ("a-play", "an-engine", ("1m", "5m"))
    assert (play.markets, play.regime, play.prerequisites, play.when_not) == ("m", "r", "p", "w")
    assert play.digest == read_skill(folder).digest


def test_editing_a_number_changes_the_value_and_the_version_and_nothing_else_is_needed(
    tmp_path: Path,
) -> None:
    folder = page(tmp_path / "a-play")
    before = playbook.read(folder)
    page(folder, table=HEAD + ROW.replace("14", "21"))
    after = playbook.read(folder)
    assert (before.values()["rsi_period"], after.values()["rsi_period"]) == (14, 21)
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "needs a section '## Parameters' with a table"),
        (HEAD, "needs a section '## Parameters' with a table"),
        (HEAD.replace("unit", "units") + ROW, "SKILL.md:12: the table's columns must be parameter | value"),
        (HEAD.splitlines()[0] + "\n" + ROW + ROW, "SKILL.md:13: a line of"),
        (HEAD + ROW + ROW, "SKILL.md:15: rsi_period is there twice"),
        (HEAD + "| rsi | 14 | 2 | 50 | bars |\n", "SKILL.md:14: a row needs 6 cells, it has 5"),
        (HEAD + "| rsi | many | 2 | 50 | bars | x |\n", "SKILL.md:14: rsi: 'many' is not a number"),
        (HEAD + "| rsi | nan | 2 | 50 | bars | x |\n", "SKILL.md:14: rsi: 'nan' is not a finite number"),
        (
            HEAD + "| rsi | 60 | 2 | 50 | bars | x |\n",
            "SKILL.md:14: rsi must lie between 2 and 50 bars, not 60",
        ),
        (HEAD + "| rsi | 6 | 50 | 2 | bars | x |\n", "SKILL.md:14: rsi: from 50 is above to 2"),
        (
            HEAD + "| rsi | 6.5 | 2 | 50 | bars | x |\n",
            "SKILL.md:14: rsi counts bars: it must be a whole number",
        ),
        (HEAD + "| rsi | 6 | 2 | 50 | apples | x |\n", "SKILL.md:14: rsi has the unit 'apples'"),
        (HEAD + "| R S I | 6 | 2 | 50 | bars | x |\n", "SKILL.md:14: 'R S I' is no parameter's name"),
        (HEAD + "| rsi | 6 | 2 | 50 | bars | |\n", "SKILL.md:14: rsi has no meaning"),
    ],
)
def test_a_broken_table_is_one_line_with_file_and_row(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        playbook.read(page(tmp_path / "a-play", table=table))
    assert words in str(caught.value)
    assert "skills/a-play/SKILL.md" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_other_parts_of_a_page_are_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="needs a section '## Regime'"):
        playbook.read(page(tmp_path / "a-play", rest="## Markets\n\nm\n"))
    with pytest.raises(InvalidValueError, match="timeframes must name some of 1m.*it says '7m'"):
        playbook.read(page(tmp_path / "a-play", timeframes="7m"))


def test_overrides_are_held_to_the_bounds(tmp_path: Path) -> None:
    play = playbook.read(page(tmp_path / "a-play"))
    assert play.values({"rsi_period": 30}) == {"rsi_period": 30}
    with pytest.raises(InvalidValueError, match="must lie between 2 and 50 bars, not 51"):
        play.values({"rsi_period": 51})
    with pytest.raises(InvalidValueError, match="not nan"):
        play.values({"rsi_period": float("nan")})
    with pytest.raises(InvalidValueError, match="must be a whole number, not 14.5"):
        play.values({"rsi_period": 14.5})
    with pytest.raises(InvalidValueError, match="no parameter 'rsi_perod'; did you mean rsi_period"):
        play.values({"rsi_perod": 20})


def test_a_parameter_that_only_the_engine_knows_is_an_error_of_the_page(tmp_path: Path) -> None:
    values = playbook.read(page(tmp_path / "a-play")).values({"rsi_period": 20})
    assert values["rsi_period"] == 20
    with pytest.raises(InvalidValueError, match="a-play/SKILL.md: the engine needs a parameter 'rsi_perid'"):
        values["rsi_perid"]
    with pytest.raises(InvalidValueError, match="the table has none; add its row$"):
        values["stop_atr"]


def test_a_timeframe_it_was_not_made_for_is_refused(tmp_path: Path) -> None:
    play = playbook.read(page(tmp_path / "a-play"))
    play.require_timeframe("5m")
    with pytest.raises(InvalidValueError, match="a-play trades 1m, 5m, not 1h"):
        play.require_timeframe("1h")


def test_a_skill_without_an_engine_is_no_strategy(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: words\ndescription: Use it.\n---\n# Words\n")
    assert not playbook.is_play(folder)
    with pytest.raises(InvalidValueError, match="names no engine"):
        playbook.read(folder)
