"""One line per log record, key=value, aware UTC, with secrets redacted before anything is written."""

import logging
from datetime import UTC, datetime

from neuratrade.lib.redact import redact


class RedactFilter(logging.Filter):
    """Replaces secrets in the finished message, and in a traceback if there is one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True


class NoteFormatter(logging.Formatter):
    """For a command that a person typed and waits for: what was logged is a note beside the answer, without time and module."""

    def format(self, record: logging.LogRecord) -> str:
        label = "note" if record.levelno < logging.WARNING else record.levelname.lower()
        line = f"{label}: {record.getMessage()}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        line = f"{at} {record.levelname:<7} {record.name} {record.getMessage()}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line
