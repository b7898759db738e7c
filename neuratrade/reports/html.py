"""A report as one HTML file that needs nothing else: style, charts and Plotly itself are inside, and it asks no network for anything.

Every text goes through the templates' escaping; a policy in the page lets only the two scripts run that this module put there.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from neuratrade.reports import figures, headline, study_figures, tables, text, words
from neuratrade.reports.figures import Figure
from neuratrade.reports.tables import Table
from trading.backtest.report.values import Report, Section

STYLES = ("dashboard/app.css", "reports/report.css")
SCRIPT = "reports/report.js"
MOST_TRADES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One card: charts and tables that belong together; the folded ones open when asked for."""

    key: str
    title: str
    figures: tuple[Figure, ...] = ()
    folded: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded_tables: tuple[Table, ...] = ()
    is_half: bool = False


def render(report: Report, *, extra: Sequence[Part] = ()) -> str:
    """The whole page, some 5 MB of which nearly all is Plotly. `extra` cards come after the report's own."""
    script, plotly = asset(SCRIPT), plotly_source()
    hashes = " ".join(f"'sha256-{_digest(source)}'" for source in (plotly, script))
    context = {
        "title": headline.title(report),
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {hashes}",
        "style": mark_safe("".join(asset(name) for name in STYLES)),
        "body": body(report, extra=extra),
        "plotly": mark_safe(plotly),
        "script": mark_safe(script),
    }
    return render_to_string("reports/page.html", context)


def body(report: Report, *, extra: Sequence[Part] = ()) -> SafeString:
    """The report without its frame, for a page that brings style, Plotly and script itself."""
    return render_to_string(
        "reports/body.html",
        {
            "title": headline.title(report),
            "subtitle": headline.subtitle(report),
            "heads": headline.headlines(report),
            "verdict": headline.verdict(report),
            "flags": report.flags,
            "parts": (*_parts(report), *extra),
            "groups": tuple(groups(report)),
            "made": tuple(text.provenance(report)),
        },
    )


@lru_cache
def plotly_source() -> str:
    """Plotly's script, from its Python package."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source


@lru_cache
def asset(name: str) -> str:
    """A static file's text. LookupError when it is not there: the installation is broken."""
    found = finders.find(name)
    if not isinstance(found, str):
        raise LookupError(f"static file {name} is missing from the installation")
    return Path(found).read_text(encoding="utf-8")


def groups(report: Report) -> Iterator[dict[str, Any]]:
    """The rows by section, as the template shows them."""
    for section in Section:
        rows = [row for row in report.rows if row.section is section]
        yield {
            "title": section.value,
            "has_theirs": any(row.freqtrade_definition for row in rows),
            "lines": [
                {
                    "label": row.label,
                    "text": words.row_value(row, asset=report.quote_asset),
                    "reason": row.reason,
                    "definition": row.definition[:1].upper() + row.definition[1:],
                    "freqtrade": words.row_theirs(row),
                    "theirs": row.freqtrade_definition,
                }
                for row in rows
            ],
        }


def _parts(report: Report) -> Iterator[Part]:
    yield Part(key="equity", title="Equity and drawdown", figures=(figures.equity(report),))
    first, *others = figures.prices(report)
    yield Part(
        key="prices",
        title="Trades",
        figures=(first,),
        folded=tuple(others),
        folded_tables=tuple(_trades(report)),
    )
    yield Part(
        key="monthly",
        title="Month by month",
        tables=(tables.monthly(report),),
        folded_tables=_periods(report),
    )
    yield Part(key="drawdowns", title="Drawdown periods", tables=(tables.drawdowns(report),))
    yield Part(key="exits", title="How trades ended", tables=(tables.exits(report),))
    yield Part(key="instruments", title="By instrument", tables=(tables.instruments(report),))
    if report.refusals:
        yield Part(key="refusals", title="Entries refused", tables=(tables.refusals(report),))
    if report.walk_forward is not None:
        walked = tuple(study_figures.walk_forward(report.walk_forward)) if report.walk_forward.folds else ()
        yield Part(key="walked", title="Walk-forward", figures=walked, tables=(tables.folds(report),))
    if report.sweep is not None:
        maps = tuple(study_figures.sweep(report.sweep))
        yield Part(
            key="sweep", title="Parameters", figures=maps[:1], folded=maps[1:], tables=(tables.sweep(report),)
        )
    if report.montecarlo is not None:
        drawn = tuple(study_figures.montecarlo(report.montecarlo))
        yield Part(key="montecarlo", title="Monte Carlo", figures=drawn, tables=(tables.montecarlo(report),))


def _trades(report: Report) -> Iterator[Table]:
    yield tables.extremes(report)
    if report.left_open:
        yield tables.left_open(report)
    listed = report.trades[:MOST_TRADES]
    count = (
        f"First {MOST_TRADES:,} of {len(report.trades):,} trades"
        if len(report.trades) > MOST_TRADES
        else "All trades"
    )
    yield tables.trades(report, listed, key="trades", title=count)


def _periods(report: Report) -> tuple[Table, ...]:
    return (tables.months(report), tables.weeks(report), tables.days(report))


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
