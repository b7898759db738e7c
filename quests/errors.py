"""What can go wrong in quests; each class says what the caller does.

QuestError
├── RunLostError       another worker took the run over: stop at once, write nothing
└── AssetBusyError     another job holds the asset: try again later
"""


class QuestError(Exception):
    pass


class RunLostError(QuestError):
    pass


class AssetBusyError(QuestError):
    pass
