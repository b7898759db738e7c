"""PLUG-IN: one quest per file: what the desk does again and again, or when a trigger wakes it.

A module offers `QUEST`, a `quests.protocols.Quest`: a cadence, a kind of job (which decides the queue), a purpose in one line,
and `run(context)`, which returns an `Outcome`. A quest looks and reports; decisions are opened by `quests/services.py`,
and no quest ever places an order. Read `scan_momentum.py` first.
"""
