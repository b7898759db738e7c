"""The research pages over stored backtests: the list, one report, and several side by side."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from neuratrade.dashboard import research
from tests.browsing import chromium, served
from tests.factories import AT
from tests.neuratrade.reports.samples import HOSTILE, plain_report, plain_run
from trading.backtest import packing
from trading.backtest.report import document
from trading.models import Backtest, Sweep

pytestmark = pytest.mark.django_db


def stored(
    *, seed: int = 3, strategy: str = "mean-reversion", flags: list[dict[str, Any]] | None = None
) -> Backtest:
    """A backtest as the service keeps it."""
    result, report = plain_run(seed=seed), plain_report(seed=seed, strategy=strategy)
    return Backtest.objects.create(
        strategy=strategy,
        skill_digest="ab" * 32,
        data_digest="cd" * 32,
        code_version="0.2.0",
        instruments="binance BTC/USDT",
        timeframe="1h",
        since=AT,
        until=AT + timedelta(days=91),
        parameters={},
        settings={},
        trade_count=result.trades.size,
        total_return_ratio=report.number("total_return_ratio") or 0.0,
        sharpe=report.number("sharpe"),
        max_drawdown_ratio=report.number("max_drawdown_ratio") or 0.0,
        metrics={},
        flags=flags or [],
        trades=packing.pack(result.trades),
        report=document.pack(report),
        created_at=AT + timedelta(seconds=seed),
        duration_s=0.1,
    )


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    """Rows of another test must not be remembered."""
    yield
    research._report.cache_clear()
    research._body.cache_clear()


def test_an_empty_desk_says_how_to_run_one(client: Any) -> None:
    answer = client.get("/research/")
    assert answer.status_code == 200
    assert b"neuratrade backtest mean-reversion" in answer.content


def test_the_list_shows_each_run_and_can_be_narrowed(client: Any) -> None:
    doubt = {"key": "no_trades", "level": "fatal", "words": "…", "numbers": {}}
    one, other = stored(), stored(seed=4, strategy="scalping", flags=[doubt])
    Sweep.objects.create(
        key="k", strategy="scalping", skill_digest="", data_digest="", code_version="", request={}, grid={},
        objective="sharpe", points_total=12, created_at=AT,
    )  # fmt: skip
    told = client.get("/research/").content.decode()
    assert told.index(f"/research/{other.pk}/") < told.index(f"/research/{one.pk}/")
    assert '<dd class="bad">1</dd>' in told
    assert "0 of 12" in told
    narrowed = client.get("/research/?strategy=scalping").content.decode()
    assert f"/research/{one.pk}/" not in narrowed
    assert f"/research/{other.pk}/" in narrowed


def test_a_stored_report_is_shown_as_it_was_with_its_simulation(client: Any) -> None:
    row = stored()
    told = client.get(f"/research/{row.pk}/").content.decode()
    for words in (
        "Every figure",
        "Profit factor",
        "Drawdown periods",
        "Monte Carlo",
        "Left open at the end",
        "Made from",
    ):
        assert words in told, words
    assert 'src="/research/plotly.js"' in told


def test_a_run_whose_report_is_damaged_says_so(client: Any) -> None:
    row = stored()
    Backtest.objects.filter(pk=row.pk).update(report=b"")
    answer = client.get(f"/research/{row.pk}/")
    assert answer.status_code == 400
    assert "run the backtest again" in answer.content.decode()


def test_the_file_and_the_json_are_the_report(client: Any) -> None:
    row = stored()
    page = client.get(f"/research/{row.pk}.html")
    assert page["Content-Disposition"] == f'attachment; filename="mean-reversion-{row.pk}.html"'
    assert b"Content-Security-Policy" in page.content
    told = client.get(f"/research/{row.pk}.json").json()
    assert len(told["trades"]) == row.trade_count
    assert told["metrics"]["sharpe"] == pytest.approx(row.sharpe)
    assert told["metrics"]["montecarlo"]["paths"] == 1000


def test_runs_side_by_side_show_figures_and_what_differs(client: Any) -> None:
    one, other = stored(), stored(seed=4, strategy="scalping")
    told = client.get(f"/research/compare?id={one.pk}&id={other.pk}").content.decode()
    assert f"{one.pk} mean-reversion" in told
    assert f"{other.pk} scalping" in told
    assert "What differs" in told
    assert "Equity, side by side" in told
    best = max(one.total_return_ratio, other.total_return_ratio)
    assert f'<td class="n good">{best * 100:.2f} %</td>' in told


@pytest.mark.parametrize(
    "query",
    ["", "?id=1", "?id=1&id=1", "?id=1&id=x", "?id=1&id=2&id=3&id=4&id=5", "?id=1&id=999999999999999999999"],
)
def test_a_comparison_that_cannot_be_made_is_one_line(client: Any, query: str) -> None:
    stored()
    answer = client.get(f"/research/compare{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize("path", ["999/", "999.html", "999.json", "99999999999999999999999/"])
def test_a_run_that_is_not_there_is_not_found(client: Any, path: str) -> None:
    assert client.get(f"/research/{path}").status_code == 404


def test_plotly_may_be_kept_by_the_browser(client: Any) -> None:
    answer = client.get("/research/plotly.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "max-age=86400" in answer["Cache-Control"]


def test_pages_open_to_others_ask_for_a_login_and_come_back(client: Any, settings: Any) -> None:
    row = stored()
    settings.WEB_HOST = "0.0.0.0"
    for path in ("", f"{row.pk}/", f"{row.pk}.html", f"{row.pk}.json", "compare"):
        answer = client.get(f"/research/{path}")
        assert answer.status_code == 302, path
        assert answer["Location"] == f"/admin/login/?next=/research/{path}"


def test_foreign_words_stay_words(client: Any) -> None:
    one, other = stored(strategy=HOSTILE[:60]), stored(seed=4)
    for path in ("/research/", f"/research/{one.pk}/", f"/research/compare?id={one.pk}&id={other.pk}"):
        told = client.get(path).content.decode()
        assert "<img src=x" not in told, path
        assert "<script>document" not in told, path


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_phone_finds_its_way_from_the_desk_to_a_comparison(redis_client: object) -> None:
    """Everything in one visit: starting the browser is what takes long."""
    one, other = stored(), stored(seed=4)
    with served() as address, chromium() as browser:
        page = browser.new_context(
            viewport={"width": 390, "height": 9_000}, has_touch=True, is_mobile=True
        ).new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.click("text=Research")
        page.wait_for_selector(".runs")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click(f"a[href='/research/{one.pk}/']")
        page.wait_for_selector("#figure-equity[data-drawn]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.click("text=Sharpe >> nth=1")
        assert "√365" in page.inner_text(".figures details[open]")
        page.goto(f"{address}research/")
        page.check(f"input[value='{one.pk}']")
        page.check(f"input[value='{other.pk}']")
        page.click("text=Compare >> nth=-1")
        page.wait_for_selector("#figure-overlay[data-drawn]")
        assert page.locator("#figure-overlay .scatterlayer path.js-line").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert errors == []


def test_a_stored_report_equals_the_one_that_was_made() -> None:
    from trading.services import backtests

    row = stored()
    kept = backtests.report_of(row)
    made = plain_report()
    assert kept.rows == made.rows
    assert kept.trades == made.trades
    np.testing.assert_array_equal(kept.equity.values, made.equity.values)
