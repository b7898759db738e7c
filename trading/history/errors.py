"""What can go wrong with stored history; each message is one line for the operator.

TradingError
└── HistoryError             stored history cannot be used, or a file cannot be taken in
    ├── BrokenHistoryError   a stored file is damaged: it is left as it is, the message says what to do
    ├── BadFileError         a file to import holds something that is no market data; nothing was stored
    └── MissingHistoryError  what was asked for is not stored; the message names the command that brings it
"""

from trading.errors import TradingError


class HistoryError(TradingError):
    pass


class BrokenHistoryError(HistoryError):
    pass


class BadFileError(HistoryError):
    pass


class MissingHistoryError(HistoryError):
    pass
