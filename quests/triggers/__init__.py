"""PLUG-IN: one market condition per file that wakes the desk. Pure.

A module offers `TRIGGER`, a `quests.protocols.Trigger`: thresholds with their unit, the quest it wakes, and `gauge()`,
which measures one instrument from quotes and closed 1m candles. Hysteresis and cool-down are the watchdog's work.
Read `rsi.py` first; the contract test in tests/quests/test_triggers.py covers every file found here.
"""
