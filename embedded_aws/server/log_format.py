"""The server's own log, which may go to a terminal: what clients and jobs say stays within its record's line."""

import logging
import sys
import unicodedata
from typing import Any

from embedded_aws.server.flood import Flood

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters that are drawn as nothing
_OPEN_TO_ALL = ("embedded_aws.access.gate", "waitress", "waitress.queue")  # who has no key makes them log
_NOISY = ("botocore", "werkzeug", "samtranslator", "moto")


class Formatter(logging.Formatter):
    """Shows controls and formats as escapes; only a traceback has lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record's message as one line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """Return a traceback, indented so that no line of it looks like a record."""
        return "\n".join(f"  | {one_line(line)}" for line in super().formatException(ei).split("\n"))


def one_line(text: str) -> str:
    r"""Return text as one line that shows all it holds: what is not drawn by itself as escapes (`\x1b`)."""
    return "".join(char if _is_drawn(char) else char.encode("unicode_escape").decode() for char in text)


def _is_drawn(char: str) -> bool:
    return char.isprintable() and unicodedata.category(char)[0] != "M" and char not in _FILLERS


def configure() -> None:
    """Log to stderr: its own records, and warnings of what it is built on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for open_to_all in _OPEN_TO_ALL:
        logging.getLogger(open_to_all).addFilter(Flood())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
