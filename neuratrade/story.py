"""Tells an explained decision (neuratrade.explain) in the terminal, from the market seen to the money made or lost.

Words of models and venues are shown as they are, never as markup, and without control characters: text from outside must not be able to
repaint the operator's screen.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from neuratrade.lib import terminal
from neuratrade.lib.text import clean, flat, short

Plain = Mapping[str, Any]
_NARROWEST = 60
# What a role's answer became, and the fields of it that are its words or known from the headline.
_OUTCOMES = {"analyst": "idea", "trader": "plan", "risk_manager": "review"}
_SAID_ELSEWHERE = {"thesis", "rationale", "reasons", "venue", "symbol"}
_ROLE_STYLES = {"analyst": "cyan", "trader": "magenta", "risk_manager": "yellow"}


def tell(explained: Plain, *, width: int, is_terminal: bool) -> str:
    """The story as text for a terminal `width` columns wide; with colours only when `is_terminal`."""
    return terminal.rendered(
        lambda _: _parts(explained), width=max(width, _NARROWEST), has_colour=is_terminal
    )


def _parts(explained: Plain) -> Iterator[RenderableType]:
    yield _headline(explained)
    chapters: tuple[tuple[str, Iterable[RenderableType]], ...] = (
        ("Market seen", _market(explained)),
        ("Debate", _debate(explained)),
        ("Evidence", _evidence(explained)),
        ("Verdict", _verdict(explained)),
        ("Approval", _approval(explained)),
        ("Orders", _orders(explained)),
        ("Fills", _fills(explained)),
        ("Result", _result(explained)),
        ("Cost and skill", _cost(explained)),
    )
    for number, (title, body) in enumerate(chapters, 1):
        yield Rule(Text(f" {number}  {title} ", style="bold"), align="left", style="grey37")
        yield Padding(Group(*body), (0, 0, 1, 2))


def _headline(explained: Plain) -> RenderableType:
    decision, pnl = explained["decision"], explained["pnl"]
    entry = next((order for order in explained["orders"] if order["purpose"] == "entry"), None)
    deed = f"{entry['side'].upper()} {entry['size_base']} " if entry else ""
    title = Text(f"{deed}{decision['symbol']} on {decision['venue']}", style="bold")
    line = Text(f"{decision['mode']} · {decision['status'].replace('_', ' ')}")
    if pnl["status"] != "none":
        line.append(" · ")
        line.append_text(_money(pnl["total"], pnl["asset"]))
        line.append(f" ({pnl['status']})")
    rest = Text(f"decision {decision['id']}\n", style="dim")
    rest.append(f"opened {_moment(decision['opened_at'])} by {clean(decision['source'])}")
    body = [title, line, rest]
    if decision["reason"]:
        body.append(Text(clean(decision["reason"]), style="italic"))
    return Panel(Group(*body), box=box.ROUNDED, border_style="cyan", expand=False, padding=(0, 2))


def _market(explained: Plain) -> Iterator[RenderableType]:
    rows = list(flat(explained["market"]))
    if not rows:
        yield Text("nothing was noted", style="dim")
        return
    grid = _grid()
    for name, value in rows:
        grid.add_row(clean(name), clean(value))
    yield grid


def _debate(explained: Plain) -> Iterator[RenderableType]:
    if not explained["debate"]:
        yield Text("nobody spoke", style="dim")
    for voice in explained["debate"]:
        role = str(voice["role"])
        heading = Text(role.replace("_", " "), style=f"bold {_ROLE_STYLES.get(role, 'white')}")
        speaker = " · ".join(clean(voice[key]) for key in ("label", "model") if voice.get(key))
        heading.append(f"  {speaker or clean(voice.get('provider', ''))}", style="dim not bold")
        yield heading
        yield Padding(
            Text(clean(voice.get("words") or voice.get("stop_detail") or "(no words)")), (0, 0, 0, 2)
        )
        for claim in voice.get("claims") or ():
            line = Text(f"  {clean(claim.get('evidence_id', '?')):<4} ", style="cyan")
            yield line.append(
                f"{clean(claim.get('field', ''))} = {clean(claim.get('value', ''))}", style="default"
            )
        outcome = explained["decision"].get(_OUTCOMES.get(role, "")) or {}
        said = ", ".join(f"{name} {value}" for name, value in flat(outcome) if name not in _SAID_ELSEWHERE)
        if said:
            yield Text(f"  → {clean(said)}", style="dim")


def _evidence(explained: Plain) -> Iterator[RenderableType]:
    if not explained["evidence"]:
        yield Text("none", style="dim")
        return
    table = _table("id", "tool", "as of", "what it said")
    for item in explained["evidence"]:
        said = item.get("error") or ", ".join(
            f"{name} {value}" for name, value in flat(item.get("result") or {})
        )
        table.add_row(
            Text(
                clean(item.get("id") or item.get("evidence_id") or item.get("reference") or "-"),
                style="cyan",
            ),
            clean(item.get("tool", "")),
            _moment(item.get("as_of")),
            short(clean(said), length=220),
        )
    yield table


def _verdict(explained: Plain) -> Iterator[RenderableType]:
    verdict = explained["verdict"]
    if verdict["approved"] is None:
        yield Text("the gate was not asked", style="dim")
        return
    yield (
        Text("approved by every rule", style="bold green")
        if verdict["approved"]
        else Text("vetoed", style="bold red")
    )
    table = _table("", "rule", "answer", "numbers")
    for rule in verdict["rules"]:
        numbers = ", ".join(f"{name} {value}" for name, value in rule["numbers"].items())
        table.add_row(
            Text("✓", style="green") if rule["passed"] else Text("✗", style="bold red"),
            clean(rule["rule"]),
            clean(rule["message"]),
            Text(clean(numbers), style="dim"),
        )
    yield table


def _approval(explained: Plain) -> Iterator[RenderableType]:
    approval = explained["approval"]
    if approval is None:
        yield Text("none was signed", style="dim")
        return
    grid = _grid()
    grid.add_row("id", approval["id"])
    grid.add_row("signature", _signature(approval))
    grid.add_row("key", approval["key_id"])
    grid.add_row("valid", f"{_moment(approval['issued_at'])} to {_moment(approval['expires_at'])}")
    grid.add_row("used", _moment(approval["used_at"]))
    for name in ("size_base", "price_bound", "stop_price", "target_price", "notional_cap_quote"):
        if approval["terms"].get(name):
            grid.add_row(name.replace("_", " "), approval["terms"][name])
    yield grid


def _signature(approval: Plain) -> Text:
    return {
        True: Text("valid", style="green"),
        False: Text("NOT VALID", style="bold red"),
        None: Text("cannot be checked here: no public key", style="yellow"),
    }[approval["signature_ok"]]


def _orders(explained: Plain) -> Iterator[RenderableType]:
    if not explained["orders"]:
        yield Text("none", style="dim")
    for order in explained["orders"]:
        line = Text(f"{order['purpose']} {order['side']} {order['size_base']}", style="bold")
        is_stop = order["type"] == "stop"
        bound = f"at {order['stop_price']}" if is_stop else f"at {order['price_bound']} or better"
        line.append(f"  {order['type']} {order['time_in_force']} {bound}", style="not bold")
        yield line.append(f"  {order['state'].replace('_', ' ')}", style="bold")
        yield Text(
            f"  {order['client_order_id']}  venue id {clean(order['venue_order_id']) or '-'}", style="dim"
        )
        if order["approval"] and order["purpose"] != "entry":
            yield Text(f"  approval {order['approval']['id']} ", style="dim").append_text(
                _signature(order["approval"])
            )
        if order["reason"]:
            yield Text(f"  why: {clean(order['reason'])}")
        for step in order["transitions"]:
            moved = Text(f"  {_moment(step['at'])}  ", style="dim")
            moved.append(f"{step['from']} → {step['to']}", style="not dim")
            yield moved.append(f"  {clean(step['reason'])}")


def _fills(explained: Plain) -> Iterator[RenderableType]:
    if not explained["fills"]:
        yield Text("none", style="dim")
        return
    table = _table("time", "side", "size", "price", "value", "fee", "", "trade")
    for fill in explained["fills"]:
        table.add_row(
            _moment(fill["executed_at"]),
            fill["side"],
            fill["size_base"],
            fill["price"],
            fill["value_quote"],
            f"{fill['fee']} {fill['fee_asset']}",
            "maker" if fill["is_maker"] else "taker",
            Text(clean(fill["trade_id"]), style="dim"),
        )
    yield table


def _result(explained: Plain) -> Iterator[RenderableType]:
    pnl = explained["pnl"]
    if pnl["status"] == "none":
        yield Text("nothing was traded", style="dim")
        return
    grid = _grid()
    grid.add_row("realised", _money(pnl["realised"], pnl["asset"]))
    if pnl["status"] == "open":
        grid.add_row("still open", f"{pnl['open_base']} at a cost of {pnl['open_cost']} {pnl['asset']}")
        known = pnl["unrealised"] is not None
        grid.add_row(
            "unrealised", _money(pnl["unrealised"], pnl["asset"]) if known else "unknown: no price right now"
        )
    else:
        grid.add_row("closed", _moment(pnl["closed_at"]))
    grid.add_row("fees", f"{pnl['fees_quote']} {pnl['asset']}, already taken off")
    yield grid


def _cost(explained: Plain) -> Iterator[RenderableType]:
    cost, skill = explained["cost"], explained["skill"]
    tokens = f"{cost['tokens_in']} tokens in ({cost['cached']} cached), {cost['tokens_out']} out"
    grid = _grid()
    grid.add_row("models", f"{cost['usd']} USD for {cost['calls']} calls, {tokens}")
    grid.add_row("skill", clean(skill["name"]) or "none")
    if skill["hash"]:
        grid.add_row("version", clean(skill["hash"]))
    yield grid


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _money(amount: str, asset: str) -> Text:
    is_loss = amount.startswith("-")
    sign = "" if is_loss or amount == "0" else "+"
    return Text(f"{sign}{amount} {asset}", style="bold red" if is_loss else "bold green" if sign else "bold")


def _moment(text: str | None) -> str:
    """2026-11-20T12:00:01.250000+00:00 -> 2026-11-20 12:00:01.250 UTC."""
    if not text:
        return "-"
    day, _, rest = text.partition("T")
    clock = rest.partition("+")[0]
    whole, dot, part = clock.partition(".")
    return f"{day} {whole}{dot}{part[:3]} UTC"
