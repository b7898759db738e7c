"""What can go wrong in quests; each class says what the caller does.

QuestError
├── RunLostError       another worker took the run over: stop at once, write nothing
└── TryAgainError      not now: the run goes on later, with back-off
    ├── AssetBusyError     another job holds the asset
    └── NoMarketError      nothing to look at: the feeds are not there yet, or away
"""


class QuestError(Exception):
    pass


class RunLostError(QuestError):
    pass


class TryAgainError(QuestError):
    pass


class AssetBusyError(TryAgainError):
    pass


class NoMarketError(TryAgainError):
    pass
