"""Tables of market, risk, execution and ledger. `Decision` is the hub: everything about a trade points at it."""

from trading.models.account import Account, Credential, Operator, Venue
from trading.models.decision import Approval, ApprovalUse, Decision, RiskCheck
from trading.models.event import Event
from trading.models.ledger import EquityMark, Fill, Lot, LotClosure, Order, OrderTransition, Position, Posting
from trading.models.market import CandleRow, Instrument
from trading.models.research import Backtest, Sweep, SweepPoint
from trading.models.state import DeskState, Heartbeat, Lease
from trading.models.taxes import PastImport, PastTrade, TaxExport

__all__ = [
    "Account",
    "Approval",
    "ApprovalUse",
    "Backtest",
    "CandleRow",
    "Credential",
    "Decision",
    "DeskState",
    "EquityMark",
    "Event",
    "Fill",
    "Heartbeat",
    "Instrument",
    "Lease",
    "Lot",
    "LotClosure",
    "Operator",
    "Order",
    "OrderTransition",
    "PastImport",
    "PastTrade",
    "Position",
    "Posting",
    "RiskCheck",
    "Sweep",
    "SweepPoint",
    "TaxExport",
    "Venue",
]
