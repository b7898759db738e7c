"""Closes everything on one account, step by step, and says when the venue itself shows that it is done.

The closing orders go the ordinary way: proposed by protection, signed by `guard_risk`, sent by the executor. SQL is enough for it.
"""

from collections.abc import Collection
from datetime import datetime

from trading.models import Account, DeskState, Order
from trading.services import accounts, protection, state
from trading.services.execution import Lane, in_db
from trading.types import Mode, OrderState, Purpose

_ENDED = [item.value for item in OrderState if item.is_terminal]


async def work(lane: Lane) -> int | None:
    """One step; the breaker epoch of the liquidation when this account is closed at the venue, None while it is not."""
    row = await in_db(protection.desk_state)(lane.account)
    if row is None or not row.is_liquidating:
        return None
    await in_db(take_back_the_rest)(account=lane.account, at=lane.clock())
    if await in_db(remaining)(account=lane.account):
        return None
    shown = {order.client_order_id for order in await lane.client.open_orders()}
    if await in_db(_are_ours)(lane.account, client_order_ids=shown):
        return None
    return row.breaker_epoch


def take_back_the_rest(*, account: Account, at: datetime) -> None:
    """Takes back what is not part of the way out. A position's stop is taken back by protection, just before its exit."""
    rows = Order.objects.filter(account=account).exclude(state__in=_ENDED).exclude(purpose=Purpose.LIQUIDATE)
    entries = rows.filter(purpose=Purpose.ENTRY, cancel_requested_at=None).values_list("pk", flat=True)
    protection.take_back(order_ids=tuple(entries), reason="liquidation", at=at)


def remaining(*, account: Account) -> list[str]:
    """What is still open by our books: orders that have not ended, and positions that the venue would still sell."""
    orders = [str(order) for order in Order.objects.filter(account=account).exclude(state__in=_ENDED)]
    positions = [
        str(position)
        for position in protection.open_positions(account)
        if not protection.is_reported_dust(position)
    ]
    return orders + positions


def finish_where_closed(
    *, mode: Mode, verified: Collection[tuple[int, int]], at: datetime
) -> list[DeskState]:
    """Halts every desk whose accounts are all closed; `verified` holds (account id, breaker epoch) as `work` found them.

    An account that never sent an order has nothing to close.
    """
    finished = []
    open_accounts = accounts.working_accounts(mode)
    for row in DeskState.objects.select_related("operator").filter(is_liquidating=True):
        mine = [
            account
            for account in open_accounts
            if account.operator == row.operator and account.mode == row.mode
        ]
        busy = [
            account
            for account in mine
            if Order.objects.filter(account=account).exclude(sent_at=None).exists()
        ]
        if mine and all((account.pk, row.breaker_epoch) in verified for account in busy):
            finished.append(state.finish_liquidation(operator=row.operator, mode=row.mode, at=at))
    return finished


def _are_ours(account: Account, *, client_order_ids: Collection[str | None]) -> bool:
    return Order.objects.filter(
        account=account, client_order_id__in=[i for i in client_order_ids if i]
    ).exists()
