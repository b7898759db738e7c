"""PLUG-IN: one readiness check per file, used by `neuratrade doctor`.

Each module offers `CHECK`: a callable that takes `at` and returns a neuratrade.lib.health.CheckResult with status, evidence
and remedy. Read `database.py` first.
"""
