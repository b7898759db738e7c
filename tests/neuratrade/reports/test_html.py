"""The one-file report: whole, closed to the network and to foreign markup, and fit for phone and desk in a real browser."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuratrade.reports import html
from tests.browsing import chromium
from tests.neuratrade.reports.samples import HOSTILE, full_report, plain_report
from tests.trading.backtest.runs import bars, run
from trading.backtest.report.review import review
from trading.backtest.report.values import Report

# As high as the whole page, so that every chart is in view at once.
PHONE, WIDE = {"width": 390, "height": 14_000}, {"width": 1280, "height": 900}
LINE = "#figure-equity .scatterlayer .trace:nth-child(2) path.js-line"


@pytest.fixture(scope="module")
def report() -> Report:
    return full_report()


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html.render(report)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def drawn(browser: Any, path: Path, **options: Any) -> tuple[Any, list[str], list[str]]:
    """The page with every chart drawn, its script errors, and what it asked for beside itself."""
    view = browser.new_context(offline=True, **options).new_page()
    errors: list[str] = []
    asked: list[str] = []
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    view.on("request", lambda request: asked.append(request.url))
    view.goto(path.as_uri())
    view.evaluate("for (const folded of document.querySelectorAll('details:has(figure)')) folded.open = true")
    view.wait_for_selector("body:not(:has(figure.plot:not([data-drawn])))")
    return (
        view,
        errors,
        [url for url in asked if url != path.as_uri() and not url.startswith(("data:", "blob:"))],
    )


def test_it_is_one_file_with_plotly_in_it_once(page: str) -> None:
    assert 4_500_000 < len(page) < 6_000_000
    assert page.count(html.plotly_source()) == 1
    outside = page.replace(html.plotly_source(), "")
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import""", outside)


def test_only_its_own_scripts_may_run(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    allowed = policy[1].replace("&#x27;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed
    assert len(scripts) == 2
    assert "default-src 'none'" in allowed
    assert "script-src 'unsafe-inline'" not in allowed


def test_every_figure_table_and_definition_is_in_it(page: str, report: Report) -> None:
    from html import unescape

    told = unescape(page.replace(html.plotly_source(), ""))
    for row in report.rows:
        assert row.label in told
        assert row.definition[1:] in told
    assert report.datasets[0].digest[:16] in told
    assert told.count("<figure") == 9


def test_charts_are_plain_json_without_holes(report: Report) -> None:
    for script in re.findall(
        r'<script type="application/json">(.*?)</script>', html.body(report), flags=re.DOTALL
    ):
        chart = json.loads(script, parse_constant=pytest.fail)
        assert set(chart) == {"data", "layout"}


def test_foreign_words_stay_words() -> None:
    told = html.body(plain_report(symbol=HOSTILE, strategy=HOSTILE))
    assert "<img" not in told
    assert told.count("<script>") == 0
    assert "</script><script>" not in told


def test_a_run_with_nothing_in_it_is_a_page_too() -> None:
    market = bars([])
    assert "No trade was made" in html.body(review(run([market]), markets=[market]))


@pytest.mark.browser
def test_it_opens_without_a_network_on_phone_and_desk_in_dark_and_light(
    browser: Any, page: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    view, errors, asked = drawn(
        browser, path, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    assert view.locator("figure.plot .main-svg").count() >= 9
    assert view.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert colours(view) == ("rgb(45, 212, 191)", "rgb(11, 18, 24)")
    view.emulate_media(color_scheme="light")
    view.wait_for_selector(f"{LINE}[style*='rgb(15, 118, 110)']", state="attached")
    assert colours(view) == ("rgb(15, 118, 110)", "rgb(244, 246, 248)")
    view.set_viewport_size(WIDE)
    assert view.evaluate("document.documentElement.scrollWidth") <= WIDE["width"]
    assert (errors, asked) == ([], [])


def colours(view: Any) -> tuple[str, str]:
    """Of the run's equity line, which the chart took from the sheet, and of the page."""
    style = "getComputedStyle(document.querySelector({0!r})).{1}"
    return view.evaluate(style.format(LINE, "stroke")), view.evaluate(style.format("body", "backgroundColor"))


@pytest.mark.browser
def test_foreign_words_do_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(plain_report(symbol=HOSTILE, strategy=HOSTILE)), encoding="utf-8")
    view = browser.new_page()
    view.goto(path.as_uri())
    view.wait_for_selector("#figure-equity[data-drawn]")
    assert view.title() != "owned"
    assert view.locator("img").count() == 0
