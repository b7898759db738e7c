from django.db import migrations

from trading.append_only import chain, forbid_change

TABLES = (
    "trading_event",
    "trading_fill",
    "trading_posting",
    "trading_riskcheck",
    "trading_approval",
    "trading_approvaluse",
    "trading_ordertransition",
    "trading_lotclosure",
    "trading_equitymark",
)


class Migration(migrations.Migration):
    """Facts can be added, never changed: the database itself refuses."""

    dependencies = [("trading", "0001_initial")]

    operations = [
        *(operation for table in TABLES for operation in forbid_change(table)),
        *chain("trading_event"),
    ]
