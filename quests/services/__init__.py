"""Where quests meet the database and Redis. Tasks, processes and `quests/pipeline.py` call these; nothing here sends a task.

`installing` puts catalog and beat entries into the database, `runs` carries a run from its row to its result,
`opening` turns the best opportunity into a decision, `sweeping` finds what got stuck, `progress` tells whoever watches.
"""

from quests.services.installing import install_schedule, new_watchdog
from quests.services.opening import open_best
from quests.services.runs import perform, start_due, start_triggered
from quests.services.sweeping import sweep

__all__ = [
    "install_schedule",
    "new_watchdog",
    "open_best",
    "perform",
    "start_due",
    "start_triggered",
    "sweep",
]
