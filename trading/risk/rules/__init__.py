"""PLUG-IN: one risk rule per file, with its parameters and units beside it.

Each module offers `RULE` (trading.protocols.Rule): it receives the sized order, the frozen snapshot and the limits, and
returns a RuleResult with the numbers it compared. All rules always run, so one more rule can never allow more.
Read `fat_finger.py` first. A new rule also needs its name in tests/trading/risk/test_rules.py, so that none goes missing unseen.
"""
