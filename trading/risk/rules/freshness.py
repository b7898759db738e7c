"""Freshness: quote and book are known and young, by the venue's clock and by ours; none comes from the future."""

from decimal import Decimal

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, refuse
from trading.types import ProposedOrder, Snapshot

# Further ahead than this a venue's clock, or ours, is wrong, and then no age can be trusted.
MAX_AHEAD_S = 2


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    quote, book = snapshot.quote, snapshot.book
    if quote is None or book is None:
        return refuse(f"no {'quote' if quote is None else 'order book'} is known for the instrument")
    quote_age, book_age = quote.age_s(at=snapshot.at), book.age_s(at=snapshot.at)
    oldest = max(quote_age, book_age)
    ahead = (max(quote.as_of, book.as_of) - snapshot.at).total_seconds()
    numbers = {
        "quote_age_s": quote_age,
        "book_age_s": book_age,
        "ahead_s": max(ahead, 0.0),
        "max_age_s": limits.max_quote_age_s,
    }
    if ahead > MAX_AHEAD_S:
        return refuse(f"the market data is dated {ahead:.1f} s ahead of our clock", **numbers)
    passed = Decimal(str(oldest)) <= limits.max_quote_age_s
    return compare(passed, f"the oldest price is {oldest:.1f} s old", **numbers)


RULE = CodeRule(name="freshness", judge=judge)
