"""What the account holds."""

from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import ACCOUNT_VALID_S, NoArguments
from agents.types import Role


def run(arguments: NoArguments, context: ToolContext) -> ToolOutput:
    snapshot = context.snapshot()
    spec = context.instrument
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "balances": dict(sorted(context.balances().items())),
            "free_base": snapshot.free_base,
            "free_quote": snapshot.free_quote,
            "equity": snapshot.portfolio.equity,
        },
        as_of=snapshot.at,
        valid_for_s=ACCOUNT_VALID_S,
    )


TOOL = Tool(
    name="get_portfolio_balance",
    description="The account's holdings by asset, what is free of the instrument's base and quote, and the desk's equity.",
    arguments=NoArguments,
    roles=frozenset({Role.TRADER, Role.RISK_MANAGER}),
    run=run,
)
