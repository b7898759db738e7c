"""Draws a report's tables and charts inside its templates."""

from typing import Any

from django import template
from django.utils.html import json_script

from neuratrade.reports.figures import Figure
from neuratrade.reports.tables import Table

register = template.Library()


@register.inclusion_tag("reports/table.html")
def report_table(table: Table) -> dict[str, Any]:
    columns = [{"name": name.removesuffix("|n"), "is_number": name.endswith("|n")} for name in table.columns]
    rows = [
        [(cell, column["is_number"]) for cell, column in zip(row, columns, strict=True)] for row in table.rows
    ]
    return {"table": table, "columns": columns, "rows": rows}


@register.inclusion_tag("reports/figure.html")
def report_figure(figure: Figure, heading: str = "") -> dict[str, Any]:
    """A title that repeats the `heading` above it is left out. The chart's data go in as JSON that cannot end the script element it stands in."""
    return {
        "figure": figure,
        "heading": heading,
        "data": json_script({"data": figure.data, "layout": figure.layout}),
    }
