"""Plug-in folder: one way to compute the indicators per module.

A module offers `PROVIDER`, a `trading.indicators.facade.Facade` (hence an IndicatorProvider), usually a `FormulaProvider` over the
catalogue's names, and is found by its file name. `neuratrade indicators parity` is the gate it must pass; heavy libraries are imported inside the functions.
"""
