"""Finds the decision that an operator means by whatever id is at hand."""

from django.db.models import Q

from trading.models import Decision, Fill, Order


class NotFoundError(LookupError):
    """Nothing, or more than one thing, goes by that name; the message is one line for the operator."""


def find_decision(name: str) -> Decision:
    """The decision meant by its id or the beginning of it, an order's id, client id or venue id, or a trade id.

    Raises NotFoundError when nothing goes by that name, when several decisions do, or when it belongs to no decision.
    """
    name = name.strip()
    orders, fills = (
        _orders_named(name),
        list(Fill.objects.filter(trade_id=name).select_related("order__decision")),
    )
    owners = [*orders, *(fill.order for fill in fills)]
    found = {order.decision for order in owners if order is not None and order.decision is not None}
    found |= {*Decision.objects.filter(_id_starts_with(name))}
    if len(found) == 1:
        return found.pop()
    if found:
        listed = ", ".join(sorted(str(decision.pk)[:13] for decision in found)[:4])
        raise NotFoundError(f"{name!r} could be {len(found)} decisions ({listed}); give more of the id")
    if owners:
        raise NotFoundError(
            f"{name!r} belongs to no decision of the desk: it was traded by hand or by another program"
        )
    raise NotFoundError(
        f"no decision, order or trade goes by {name!r}; `neuratrade why --last` shows the newest trade"
    )


def _orders_named(name: str) -> list[Order]:
    same = Q(client_order_id=name) | Q(venue_order_id=name) if name else Q(pk__in=[])
    return list(Order.objects.filter(same | _id_starts_with(name)).select_related("decision"))


def _id_starts_with(name: str) -> Q:
    """An id that begins with the given hex digits, four at the least; dashes may be left out."""
    digits = name.replace("-", "").lower()
    if not 4 <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return Q(pk__in=[])
    cuts = (0, 8, 12, 16, 20, 32)
    dashed = "-".join(part for start, end in zip(cuts, cuts[1:], strict=False) if (part := digits[start:end]))
    return Q(pk__startswith=dashed)
