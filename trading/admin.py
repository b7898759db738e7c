"""The operator's view of every trading table. What services write is read-only here; secrets are never rendered."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from neuratrade.lib.admin import DeskAdmin, ReadOnlyAdmin
from trading import models
from trading.services import comparing

# More columns fit on no screen.
_MOST_COMPARED = 12

admin.site.site_header = "NeuraTrade"
admin.site.site_title = "NeuraTrade"
admin.site.index_title = "The desk's books"


@admin.register(models.Operator)
class OperatorAdmin(DeskAdmin[models.Operator]):
    list_display = ("name", "risk_profile", "created_at")
    search_fields = ("name",)
    readonly_fields = ("risk_profile", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(models.Venue)
class VenueAdmin(DeskAdmin[models.Venue]):
    list_display = ("name", "driver", "client", "is_enabled")
    list_filter = ("driver", "is_enabled")
    search_fields = ("name", "client")


@admin.register(models.Account)
class AccountAdmin(DeskAdmin[models.Account]):
    list_display = ("venue", "mode", "operator", "is_enabled", "has_credential", "frozen_reason")
    list_filter = ("mode", "venue", "is_enabled")
    list_select_related = ("venue", "operator")
    # A freeze ends with `neuratrade release`, which leaves an event.
    readonly_fields = ("operator", "venue", "mode", "credential", "frozen_reason")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(boolean=True, description="key")
    def has_credential(self, account: models.Account) -> bool:
        return account.credential_id is not None


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin[models.Credential]):
    """Shows that keys exist, and nothing of them: not even the ciphertext."""

    list_display = ("label", "id", "created_at")
    search_fields = ("label",)
    fields = ("id", "label", "created_at")


@admin.register(models.Instrument)
class InstrumentAdmin(DeskAdmin[models.Instrument]):
    list_display = (
        "symbol",
        "venue",
        "is_watched",
        "is_active",
        "price_tick",
        "size_step",
        "min_notional",
        "taker_fee_ratio",
    )
    list_filter = ("venue", "is_watched", "is_active", "quote")
    list_select_related = ("venue",)
    search_fields = ("symbol", "base", "quote")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Instrument | None = None) -> list[str]:
        """Everything but the watch list comes from the venue."""
        return [field.name for field in self.opts.fields if field.name != "is_watched"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(models.CandleRow)
class CandleAdmin(ReadOnlyAdmin[models.CandleRow]):
    list_display = ("instrument", "timeframe", "open_time", "open", "high", "low", "close", "volume_base")
    list_filter = ("timeframe", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue",)
    date_hierarchy = "open_time"


@admin.register(models.Decision)
class DecisionAdmin(ReadOnlyAdmin[models.Decision]):
    list_display = ("short_id", "opened_at", "instrument", "status", "mode", "source", "reason")
    list_filter = ("status", "mode", "instrument__venue", "source")
    list_select_related = ("instrument__venue",)
    search_fields = ("id", "source", "reason", "skill_name")
    date_hierarchy = "opened_at"

    @admin.display(description="decision", ordering="id")
    def short_id(self, decision: models.Decision) -> str:
        return str(decision.pk)[:13]


@admin.register(models.RiskCheck)
class RiskCheckAdmin(ReadOnlyAdmin[models.RiskCheck]):
    list_display = ("checked_at", "rule", "passed", "message", "decision", "order")
    list_filter = ("passed", "rule")
    list_select_related = ("decision__instrument__venue", "order__instrument__venue")
    search_fields = ("rule", "message", "decision__id", "order__id")
    date_hierarchy = "checked_at"


@admin.register(models.Approval)
class ApprovalAdmin(ReadOnlyAdmin[models.Approval]):
    list_display = ("id", "order", "issued_at", "expires_at", "is_used", "key_id")
    list_select_related = ("order__instrument__venue", "use")
    search_fields = ("id", "order__id", "key_id")
    date_hierarchy = "issued_at"
    fields = ("id", "order", "key_id", "issued_at", "expires_at", "is_used", "terms")
    readonly_fields = ("is_used", "terms")

    @admin.display(boolean=True, description="used")
    def is_used(self, approval: models.Approval) -> bool:
        return hasattr(approval, "use")

    @admin.display(description="signed terms")
    def terms(self, approval: models.Approval) -> SafeString:
        return format_html("<pre>{}</pre>", bytes(approval.payload).decode("ascii", "replace"))


@admin.register(models.ApprovalUse)
class ApprovalUseAdmin(ReadOnlyAdmin[models.ApprovalUse]):
    list_display = ("approval", "used_at", "notional_quote")
    list_select_related = ("approval",)
    date_hierarchy = "used_at"


@admin.register(models.Order)
class OrderAdmin(ReadOnlyAdmin[models.Order]):
    list_display = (
        "created_at",
        "purpose",
        "side",
        "size_base",
        "filled_base",
        "instrument",
        "type",
        "price_bound",
        "stop_price",
        "state",
        "mode",
        "client_order_id",
    )
    list_filter = ("state", "purpose", "side", "mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue",)
    search_fields = ("id", "client_order_id", "venue_order_id", "decision__id")
    date_hierarchy = "created_at"


@admin.register(models.OrderTransition)
class OrderTransitionAdmin(ReadOnlyAdmin[models.OrderTransition]):
    list_display = ("at", "order", "version", "from_state", "to_state", "reason")
    list_filter = ("to_state",)
    list_select_related = ("order__instrument__venue",)
    search_fields = ("order__id", "order__client_order_id", "reason")
    date_hierarchy = "at"


@admin.register(models.Fill)
class FillAdmin(ReadOnlyAdmin[models.Fill]):
    list_display = (
        "executed_at",
        "side",
        "size_base",
        "price",
        "fee",
        "fee_asset",
        "is_maker",
        "instrument",
        "account",
        "is_ours",
        "trade_id",
    )
    list_filter = ("side", "is_maker", "instrument__venue", "instrument__symbol", "account__mode")
    list_select_related = ("instrument__venue", "account__venue", "order")
    search_fields = ("trade_id", "order__id", "order__client_order_id")
    date_hierarchy = "executed_at"

    @admin.display(boolean=True, description="ours")
    def is_ours(self, fill: models.Fill) -> bool:
        return fill.order_id is not None


@admin.register(models.Posting)
class PostingAdmin(ReadOnlyAdmin[models.Posting]):
    list_display = ("at", "account", "asset", "amount", "kind", "reference")
    list_filter = ("kind", "asset", "account__mode", "account__venue")
    list_select_related = ("account__venue",)
    search_fields = ("reference",)
    date_hierarchy = "at"


@admin.register(models.Position)
class PositionAdmin(ReadOnlyAdmin[models.Position]):
    list_display = (
        "instrument",
        "account",
        "size_base",
        "average_cost",
        "realised_pnl",
        "stop_price",
        "target_price",
        "close_by",
        "unprotected_since",
    )
    list_filter = ("account__mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue", "account__venue")
    search_fields = ("instrument__symbol", "decision__id")


@admin.register(models.Lot)
class LotAdmin(ReadOnlyAdmin[models.Lot]):
    list_display = ("acquired_at", "instrument", "account", "size_base", "remaining_base", "unit_cost")
    list_filter = ("account__mode", "instrument__venue", "instrument__symbol")
    list_select_related = ("instrument__venue", "account__venue")
    date_hierarchy = "acquired_at"


@admin.register(models.LotClosure)
class LotClosureAdmin(ReadOnlyAdmin[models.LotClosure]):
    list_display = ("closed_at", "instrument", "size_base", "proceeds", "cost", "pnl")
    list_filter = ("lot__instrument__venue", "lot__instrument__symbol", "lot__account__mode")
    list_select_related = ("lot__instrument__venue",)
    date_hierarchy = "closed_at"

    @admin.display(ordering="lot__instrument")
    def instrument(self, closure: models.LotClosure) -> models.Instrument:
        return closure.lot.instrument


@admin.register(models.EquityMark)
class EquityMarkAdmin(ReadOnlyAdmin[models.EquityMark]):
    list_display = ("at", "operator", "mode", "equity", "cash", "unrealised_pnl", "nav", "is_fresh")
    list_filter = ("mode", "is_fresh")
    list_select_related = ("operator",)
    date_hierarchy = "at"
    ordering = ("-at",)


@admin.register(models.Event)
class EventAdmin(ReadOnlyAdmin[models.Event]):
    list_display = ("id", "at", "kind", "mode", "decision", "short_digest")
    list_filter = ("kind", "mode")
    list_select_related = ("decision__instrument__venue",)
    search_fields = ("kind", "decision__id", "digest")
    date_hierarchy = "at"
    ordering = ("-id",)

    @admin.display(description="digest")
    def short_digest(self, event: models.Event) -> str:
        return event.digest[:16]


@admin.register(models.DeskState)
class DeskStateAdmin(ReadOnlyAdmin[models.DeskState]):
    """The state changes by `neuratrade kill` and `resume`, never by a form: a form would skip the epoch and the event."""

    list_display = ("operator", "mode", "state", "is_liquidating", "breaker_epoch", "ok_until", "cause")
    list_filter = ("mode", "state")


@admin.register(models.Lease)
class LeaseAdmin(ReadOnlyAdmin[models.Lease]):
    list_display = ("name", "owner", "epoch", "expires_at")
    search_fields = ("name", "owner")


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin[models.Heartbeat]):
    list_display = ("process", "pid", "doing", "beat_at", "started_at")


@admin.register(models.PastImport)
class PastImportAdmin(ReadOnlyAdmin[models.PastImport]):
    """An import is taken back with `neuratrade trades remove`, which leaves its row here, marked."""

    list_display = ("id", "imported_at", "file_name", "layout", "added", "repeated", "removed_at")
    list_filter = ("layout",)
    search_fields = ("file_name", "digest")
    date_hierarchy = "imported_at"


@admin.register(models.PastTrade)
class PastTradeAdmin(ReadOnlyAdmin[models.PastTrade]):
    list_display = ("at", "kind", "size", "asset", "total", "quote", "fee", "fee_asset", "wallet", "batch")
    list_filter = ("kind", "wallet")
    list_select_related = ("batch",)
    search_fields = ("source_id", "asset", "note", "link")
    date_hierarchy = "at"


@admin.register(models.TaxExport)
class TaxExportAdmin(ReadOnlyAdmin[models.TaxExport]):
    list_display = (
        "generated_at",
        "year",
        "layout",
        "method",
        "lots",
        "currency",
        "mode",
        "disposals",
        "gain",
    )
    list_filter = ("year", "layout", "method", "mode")


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
    exclude = ("trades", "equity", "report", "metrics", "parameters", "settings", "flags")
    readonly_fields = ("figures",)
    actions = ("compare",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Backtest]:
        return super().get_queryset(request).defer("trades", "equity", "report").select_related("sweep")

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
