from django.db import migrations

from trading.append_only import forbid_change

TABLES = ("agents_step", "agents_stepanswer", "agents_evidence")


class Migration(migrations.Migration):
    """What was asked, answered and found can be added, never changed: the database itself refuses."""

    dependencies = [("agents", "0001_initial"), ("trading", "0002_append_only")]

    operations = [operation for table in TABLES for operation in forbid_change(table)]
