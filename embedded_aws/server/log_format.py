"""The server's own log, which may go to a terminal: what clients and jobs say stays within its record's line."""

import logging
import sys
from typing import Any

from gristmill import printable

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_NOISY = ("botocore", "werkzeug", "samtranslator", "moto")


class Formatter(logging.Formatter):
    """Shows controls and formats as escapes; only a traceback has lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record's message as one line."""
        return printable.line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """Return a traceback, indented so that no line of it looks like a record."""
        return "\n".join(f"  | {line}" for line in printable.block(super().formatException(ei)).split("\n"))


def configure() -> None:
    """Log to stderr: Gristmill's own records, and warnings of what it is built on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
