"""The research bench: stored backtests, side by side where asked, and sweeps."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from neuratrade.lib.admin import ReadOnlyAdmin
from trading import models
from trading.services import comparing

# More columns fit on no screen.
_MOST_COMPARED = 12


@admin.register(models.Backtest)
class BacktestAdmin(ReadOnlyAdmin[models.Backtest]):
    """Stored runs; those that are ticked can be set side by side, one strategy's versions for instance."""

    list_display = (
        *("id", "created_at", "strategy", "version", "kind", "instruments", "timeframe", "since", "until"),
        *("trade_count", "return_", "sharpe_", "drawdown", "flagged"),
    )
    list_filter = ("strategy", "kind", "timeframe")
    search_fields = ("strategy", "skill_digest", "instruments")
    date_hierarchy = "created_at"
    exclude = ("trades", "report", "metrics", "parameters", "settings", "flags")
    readonly_fields = ("figures",)
    actions = ("compare",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Backtest]:
        return super().get_queryset(request).defer("trades", "report").select_related("sweep")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Comparing changes nothing, so it may work on many rows."""
        return {"compare": self.get_action("compare")}

    @admin.action(description="Compare side by side")
    def compare(self, request: HttpRequest, queryset: QuerySet[models.Backtest]) -> HttpResponse:
        rows = list(queryset.order_by("created_at", "pk")[:_MOST_COMPARED])
        head = format_html_join("", "<th>#{}</th>", ((row.pk,) for row in rows))
        context = {
            **self.admin_site.each_context(request),
            "title": "Backtests side by side",
            "content": _lines_table(rows, head=head),
        }
        return TemplateResponse(request, "admin/base_site.html", context)

    @admin.display(description="figures")
    def figures(self, row: models.Backtest) -> SafeString:
        return _lines_table([row], head=SafeString("<th>value</th>"))

    @admin.display(description="return", ordering="total_return_ratio")
    def return_(self, row: models.Backtest) -> str:
        return comparing.per_cent(row.total_return_ratio)

    @admin.display(description="Sharpe", ordering="sharpe")
    def sharpe_(self, row: models.Backtest) -> str:
        return comparing.number(row.sharpe)

    @admin.display(description="drawdown", ordering="max_drawdown_ratio")
    def drawdown(self, row: models.Backtest) -> str:
        return comparing.per_cent(row.max_drawdown_ratio)

    @admin.display(description="flags")
    def flagged(self, row: models.Backtest) -> str:
        return comparing.flags_of(row)


def _lines_table(rows: list[models.Backtest], *, head: SafeString) -> SafeString:
    body = format_html_join(
        "",
        "<tr><th>{}</th>{}</tr>",
        (
            (line[0], format_html_join("", "<td>{}</td>", ((cell,) for cell in line[1:])))
            for line in comparing.lines(rows)
        ),
    )
    return format_html("<table><thead><tr><th></th>{}</tr></thead><tbody>{}</tbody></table>", head, body)


@admin.register(models.Sweep)
class SweepAdmin(ReadOnlyAdmin[models.Sweep]):
    list_display = ("id", "created_at", "strategy", "status", "points_total", "objective", "finished_at")
    list_filter = ("strategy", "status")
    search_fields = ("strategy", "key", "skill_digest")
    date_hierarchy = "created_at"


@admin.register(models.SweepPoint)
class SweepPointAdmin(ReadOnlyAdmin[models.SweepPoint]):
    list_display = ("sweep", "index", "metrics")
    list_filter = ("sweep__strategy",)
    list_select_related = ("sweep",)
